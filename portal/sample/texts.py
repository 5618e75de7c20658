"""What people write in the sample city: job descriptions, questions and answers, objections."""

from random import Random

from market.money import Fen, show_wan
from portal.sample.projects import Project
from portal.sample.services import Service

_DELIVER = {
    "01": "成果应通过技术评估并取得主管部门批复或受理意见。",
    "05": "成果应符合《工程测量标准》并通过质量检验，坐标系采用 2000 国家大地坐标系。",
    "07": "设计深度应符合《建筑工程设计文件编制深度规定》，并配合各阶段报审修改。",
    "09": "服务范围包括招标文件编制、公告发布、开评标组织、投诉处理配合和资料归档。",
    "10": "成果文件应加盖执业印章，并配合财政、审计复核。",
    "11": "总监理工程师须到岗履职，监理规划在进场前报审。",
}
_PLAIN = "成果应符合现行国家和地方规范，并配合主管部门审查、修改至通过。"
_PAY = (
    "提交成果并验收合格后三十日内一次付清。",
    "合同签订后付百分之三十，成果通过审查后付清余款。",
    "提交送审稿后付百分之五十，取得批复后付清。",
)
_CONTACT = (
    "基础资料（立项批复、用地红线、初步方案）在合同签订后五个工作日内由业主提供。",
    "可提供的资料：项目备案证、总平面图、地形图电子版。",
    "现场踏勘请在截标前自行安排，业主提供进场便利。",
)


def summary(rng: Random, project: Project, service: Service) -> str:
    """A job's description in four sentences."""
    size = show_wan(Fen(project.investment), "zh").replace(".00", "")
    lines = (
        f"{project.title}总投资估算 {size}，现委托{service.name}。",
        _DELIVER.get(service.category, _PLAIN),
        rng.choice(_CONTACT),
        rng.choice(_PAY),
    )
    return "".join(lines) + "（样例数据，项目为虚构。）"


QUESTIONS = (
    ("请问报价是否包含专家评审费和差旅费？", "包含。最高限价已考虑专家评审、差旅和成果印刷等全部费用。"),
    ("能否提供地形图的 CAD 文件？", "可以，中选后随基础资料一并提供；现阶段可到业主办公室查阅。"),
    ("服务期限从哪一天起算？", "从合同签订且基础资料移交齐全之日的次日起算，按工作日计。"),
    ("项目负责人是否必须全程驻场？", "不要求全程驻场，但关键节点（踏勘、评审、交底）须到场。"),
    ("投资估算后续如有调整，合同价是否调整？", "投资变化在百分之十以内不调整，超过部分按补充协议办理。"),
    ("成果需要提交几套纸质文件？", "纸质六套，电子版一套。"),
    ("是否接受联合体？", "不接受，本项目由一家机构独立承担。"),
    ("发票要求是什么？", "开具增值税专用发票，税率按国家规定。"),
)
"""Questions with their answers."""

OBJECTIONS = (
    ("qualification", "第一候选人公示的资质等级与公告要求不一致，请核实其证书有效期和业务范围。"),
    ("procedure", "纪要显示的截标时间与公告不一致，请说明依据。"),
    ("price", "中选价明显低于同类项目，请核实其是否足以完成约定的工作内容。"),
    ("identity", "请核实第一候选人的项目负责人目前是否在该机构注册执业。"),
    ("count", "请说明有效报价数量的认定依据，我方认为应有一家按无效处理。"),
)
OBJECTION_UPHELD = "第一候选人的项目负责人已于上月转注册到其他机构，请核实。"
REFUSED = "经核查，异议所述事项符合公告和规则的要求，异议不成立，结果不变。核查材料已归档备查。"
UPHELD = "经核查，异议反映的情况属实：第一候选人的项目负责人已于截标前离职，取消其中选资格，由下一名递补。"
COMPLAINT = "对业主的异议答复不服：答复未说明核查过程，请监管部门复核证书的有效期和业务范围。"
DECISION = "经调取纪要、证书登记和项目负责人注册信息，未发现违反规则的情形，投诉不成立。"
EXPLANATION = (
    "本公司上年度已完成相邻地块的同类成果，基础数据可以沿用，现场工作量减少约一半；"
    "人员均在本市，无差旅费用。附成本测算：人工、检测、印刷和税费合计低于报价。"
)
ACCEPTED = "成本测算与其已完成项目一致，说明合理，予以接受。"
RECUSALS = (("same_project", "已承担同一项目的设计任务"), ("interest", ""), ("dispute", ""))
