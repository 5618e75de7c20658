"""Words for what the price documents call by codes: (Chinese, English). Chinese lists of a key stand in the file."""

KINDS = {
    "official": (
        "国家价目（历史价格，已不具约束力，仅供参考）",
        "national price list, once binding, now for reference only",
    ),
    "ceiling": ("最高收费标准（上限，低于它不等于节省）", "an upper limit; below it is not a saving"),
    "guide": ("部门指导意见（从未是定价，仅供参考）", "a department's guidance, never a set price"),
    "analogy": ("参照（文件所列的是另一种服务）", "by analogy: the document prices something else"),
}

NAMES = {
    "sensitivity": ("环境敏感程度", "Environmental sensitivity"),
    "industry": ("行业", "Industry"),
    "sector_cut": ("发改价格〔2011〕534号所列行业", "Sector listed in 发改价格[2011]534号"),
    "topics": ("评价专题数", "Special topics"),
    "complexity": ("工程复杂程度", "Complexity"),
    "specialty": ("专业", "Specialty"),
    "altitude": ("海拔高程", "Altitude"),
    "additional": ("附加调整系数", "Additional factors"),
    "stage": ("设计阶段", "Design stage"),
    "scope": ("招标代理范围", "Scope of tender work"),
    "use": ("房屋用途", "Use of the building"),
    "adjustment": ("浮动幅度", "Float"),
}

SCALES = {
    "估算投资额": "estimated investment (估算投资额)",
    "计费额": "fee base (计费额)",
    "计费额度": "assessed asset value (计费额度)",
    "中标金额": "contract award amount (中标金额)",
    "房地产价格总额": "appraised property value (房地产价格总额)",
    "土地价格总额": "appraised land value (土地价格总额)",
    "主体工程土建投资": "civil works of the main project (主体工程土建投资)",
    "建筑面积": "floor area (建筑面积)",
    "工程勘察设计收费": "survey and design fee (工程勘察设计收费)",
    "工程概(预)算投资额": "budgeted investment (工程概（预）算投资额)",
}

_PARTS = {
    "scheme": ("方案设计", "scheme"),
    "preliminary": ("初步设计", "preliminary design"),
    "drawings": ("施工图设计", "working drawings"),
}
_GROUPS = {
    "building_I": ("建筑 Ⅰ 级", "building, level I"),
    "building_II": ("建筑 Ⅱ 级", "building, level II"),
    "building_III": ("建筑 Ⅲ 级", "building, level III"),
    "housing_area": ("住宅小区", "housing area"),
    "municipal_I_II": ("市政 Ⅰ、Ⅱ 级", "municipal works, level I or II"),
    "municipal_III": ("市政 Ⅲ 级", "municipal works, level III"),
}

KEYS = {
    ("sensitivity", "sensitive"): ("敏感", "sensitive"),
    ("sensitivity", "normal"): ("一般", "not sensitive"),
    ("sector_cut", "other"): ("其他", "not listed"),
    ("complexity", "I"): ("Ⅰ 级：一般", "level I, simple"),
    ("complexity", "II"): ("Ⅱ 级：较复杂", "level II, fairly complex"),
    ("complexity", "III"): ("Ⅲ 级：复杂", "level III, complex"),
    ("altitude", "below_2001"): ("低于 2,001 米", "below 2,001 m"),
    ("altitude", "2001_3000"): ("2,001 至 3,000 米", "2,001 to 3,000 m"),
    ("altitude", "3001_3500"): ("3,001 至 3,500 米", "3,001 to 3,500 m"),
    ("altitude", "3501_4000"): ("3,501 至 4,000 米", "3,501 to 4,000 m"),
    ("scope", "whole"): ("招标全过程", "whole procedure"),
    ("scope", "documents_only"): ("只编制招标文件", "tender documents only"),
    ("use", "residential"): ("住宅", "residential"),
    ("use", "commercial"): ("商业楼", "commercial"),
    ("use", "mixed"): ("多功能综合楼", "mixed use"),
    ("stage", "whole"): ("全部设计", "whole design"),
    **{("topics", str(n)): (f"{n} 个", str(n)) for n in range(5)},
    **{
        ("stage", f"{group}_{part}"): (f"{_GROUPS[group][0]}，{words[0]}", f"{_GROUPS[group][1]}: {words[1]}")
        for group in _GROUPS
        for part, words in _PARTS.items()
    },
}
