// Comfort only: every page works without this file. The server alone decides what is in time.
const zh = document.documentElement.lang.startsWith("zh");
const $ = (pick, from = document) => [...from.querySelectorAll(pick)];

// The error summary takes the focus, so that a screen reader and the keyboard begin there.
document.querySelector("[data-focus]")?.focus();

// ── countdown: from the server's clock, never the device's ────────────────────────────────────────────────────
const timers = $("[data-deadline]");
if (timers.length) {
  // `offset` + performance.now() is the server's time in milliseconds.
  let offset = Number(timers[0].dataset.now) - performance.now();
  let best = Infinity; // the shortest round trip seen lately is the most exact
  const ask = async () => {
    const began = performance.now();
    try {
      const answer = await fetch("/time", { cache: "no-store" });
      if (!answer.ok) return;
      const { now } = await answer.json();
      const trip = performance.now() - began;
      if (trip < best * 1.5) {
        offset = now + trip / 2 - (began + trip);
        best = Math.min(best, trip);
      }
    } catch { /* offline: the last offset goes on counting */ }
  };
  const pad = (n) => String(n).padStart(2, "0");
  const words = (left) => {
    if (left <= 0) return zh ? "服务器正在截标，请刷新看结果" : "The server is closing the auction; reload for the result";
    const s = Math.ceil(left / 1000);
    const [d, h, m] = [Math.floor(s / 86400), Math.floor(s / 3600) % 24, Math.floor(s / 60) % 60];
    const [D, H, M, S] = zh ? ["天", "小时", "分", "秒"] : ["d", "h", "min", "s"];
    if (d) return `${d} ${D} ${h} ${H}`;
    return h ? `${h} ${H} ${pad(m)} ${M} ${pad(s % 60)} ${S}` : `${m} ${M} ${pad(s % 60)} ${S}`;
  };
  const marks = [86400, 3600, 600, 300, 60]; // seconds at which the rest is spoken
  const said = new Map();
  const tick = () => {
    const now = offset + performance.now();
    for (const t of timers) {
      const left = Number(t.dataset.deadline) - now;
      const text = words(left);
      if (t.textContent !== text) t.textContent = text;
      const mark = marks.filter((m) => left <= m * 1000).pop();
      if (mark !== said.get(t)) {
        const voice = t.parentElement.querySelector("[data-speak]");
        if (voice && said.has(t)) voice.textContent = (zh ? "还剩 " : "Time left: ") + text;
        said.set(t, mark);
      }
    }
  };
  // A phone that slept may have stopped performance.now(): ask again on waking.
  const wake = () => { best = Infinity; ask().then(tick); };
  document.addEventListener("visibilitychange", () => document.hidden || wake());
  addEventListener("online", wake);
  setInterval(tick, 500);
  setInterval(ask, 60000);
  ask().then(tick);
}

// ── autosave: a form with data-autosave="URL" is sent as it stands, without its price ─────────────────────────
for (const form of $("form[data-autosave]")) {
  let due;
  let running = Promise.resolve();
  const note = form.querySelector("[data-saved]");
  const save = async () => {
    const body = new FormData(form);
    for (const input of $("[data-secret], input[type=file], input[type=password]", form)) body.delete(input.name);
    body.set("autosave", "1");
    try {
      const answer = await fetch(form.dataset.autosave || form.action, {
        method: "POST",
        body: new URLSearchParams([...body].filter(([, v]) => typeof v === "string")),
        headers: { Accept: "application/json" },
      });
      if (!note) return;
      const told = answer.ok ? await answer.json().catch(() => null) : null;
      note.textContent = told?.saved ?? (zh ? "没有存上，请点“保存”" : "Not saved yet: use the save button");
    } catch {
      if (note) note.textContent = zh ? "网络不通，还没有存上" : "Offline: not saved yet";
    }
  };
  form.addEventListener("input", () => {
    clearTimeout(due);
    due = setTimeout(() => { running = running.then(save); }, 10000);
  });
  form.addEventListener("submit", () => clearTimeout(due));
}

// ── an amount echoed in 大写 while it is typed ────────────────────────────────────────────────────────────────
const DIGITS = "零壹贰叁肆伍陆柒捌玖";
const four = (n) => {
  let text = "", gap = false;
  [..."仟佰拾 "].forEach((place, i) => {
    const d = Math.floor(n / 10 ** (3 - i)) % 10;
    if (!d) { gap = text !== ""; return; }
    text += (gap ? "零" : "") + DIGITS[d] + place.trim();
    gap = false;
  });
  return text;
};
// Two halves joined by a unit, as market/money.py does it.
const joined = (n, unit, word, part) => {
  const [high, low] = [Math.floor(n / unit), n % unit];
  if (!high) return part(low);
  if (!low) return part(high) + word;
  return part(high) + word + (low < unit / 10 || high % 10 === 0 ? "零" : "") + part(low);
};
const whole = (n) => joined(n, 1e8, "亿", (half) => joined(half, 1e4, "万", four));
const capital = (fen) => {
  const [yuan, jiao, cent] = [Math.floor(fen / 100), Math.floor(fen / 10) % 10, fen % 10];
  if (!fen) return "人民币零元整";
  const text = "人民币" + (yuan ? whole(yuan) + "元" : "");
  if (!jiao && !cent) return text + "整";
  return text + (jiao ? DIGITS[jiao] + "角" : yuan ? "零" : "") + (cent ? DIGITS[cent] + "分" : "");
};
const fenOf = (typed) => {
  const plain = typed.replace(/[！-～]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0)).replace(/[\s,¥￥]/g, "");
  const found = /^(\d{1,10})(?:\.(\d{1,10}))?(万|亿)?元?$/.exec(plain);
  if (!found) return null;
  const places = { undefined: 2, 万: 6, 亿: 10 }[found[3]];
  if ((found[2] ?? "").length > places) return null;
  const fen = Number(found[1] + (found[2] ?? "").padEnd(places, "0"));
  return Number.isSafeInteger(fen) && fen < 1e14 ? fen : null; // beyond 一万亿 the server says it
};
for (const echo of $("[data-echo]")) {
  const input = document.getElementById(echo.dataset.echo);
  echo.lang = "zh-CN";
  input?.addEventListener("input", () => {
    const fen = fenOf(input.value);
    echo.textContent = fen === null ? "" : capital(fen);
  });
}

// ── buttons that need no server ───────────────────────────────────────────────────────────────────────────────
for (const button of $("[data-print]")) button.addEventListener("click", () => print());
