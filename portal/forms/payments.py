"""Statements, the account transfers go to, money given back, invoices."""

from typing import Any

from flask_babel import lazy_gettext as _
from wtforms import Form, HiddenField

from market.payments.invoices import Given
from portal.forms.fields import DayIn, FileIn, PickIn, RadioIn, TextIn, YuanIn


class StatementForm(Form):  # type: ignore[misc]
    """A bank statement; after the dry run it is carried in the page."""

    file = FileIn(_("对账单文件"), accept=".csv,.txt,.xml", optional=True)
    name = TextIn(_("文件名"), most=120, optional=True)
    carried = HiddenField()


class AccountForm(Form):  # type: ignore[misc]
    """The account a firm takes transfers on."""

    holder = TextIn(_("户名"), most=100, autocomplete="organization")
    bank = TextIn(_("开户银行（到支行）"), most=100)
    number = TextIn(_("账号"), most=40, inputmode="numeric")


class AssignForm(Form):  # type: ignore[misc]
    """Which payment a line is for."""

    payment = PickIn(_("对应的付款"))


class IgnoreForm(Form):  # type: ignore[misc]
    """Why a line is for nothing here."""

    reason = TextIn(_("忽略的理由"), most=200)


class ReturnedForm(Form):  # type: ignore[misc]
    """What was given back by transfer."""

    fen = YuanIn(_("退还的金额"))
    value_on = DayIn(_("退款日期"))
    bank_id = TextIn(_("银行流水号"), most=100)


class InvoiceForm(Form):  # type: ignore[misc]
    """An invoice as it stands on paper or in the tax system."""

    kind = RadioIn(
        _("发票种类"),
        choices=[
            ("electronic", _("数电发票（专用或普通）")),
            ("special", _("增值税专用发票（纸质系列）")),
            ("ordinary", _("增值税普通发票（纸质系列）")),
        ],
    )
    code = TextIn(_("发票代码"), most=12, optional=True, inputmode="numeric")
    number = TextIn(_("发票号码"), most=20, inputmode="numeric")
    issued_on = DayIn(_("开票日期"))
    fen = YuanIn(_("价税合计"))
    tax = YuanIn(_("其中税额"), zero=True)
    payment = PickIn(_("对应的付款"), optional=True)
    file = FileIn(_("发票文件"), accept=".pdf,.ofd,.png,.jpg", optional=True)

    def given(self, document: int | None) -> Given:
        """What was typed; only of a form that is fit."""
        payment: Any = self.payment.data
        return Given(
            self.kind.data, self.code.data, self.number.data, self.issued_on.data, self.fen.data, self.tax.data,
            int(payment) if payment else None, document,
        )  # fmt: skip
