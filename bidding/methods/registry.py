"""The methods this market has. A new one is a file with its `Method` and its instance in `METHODS` below."""

from collections.abc import Mapping
from types import MappingProxyType

from bidding.methods.direct import Direct
from bidding.methods.discount_rate import DiscountRate
from bidding.methods.lottery import Lottery
from bidding.methods.lowest_price import LowestPrice
from bidding.methods.merit import Merit
from bidding.methods.multi_criteria import MultiCriteria
from bidding.methods.open_descending import OpenDescending
from bidding.methods.port import Method
from bidding.methods.reference_price import ReferencePrice


def registry(*methods: Method) -> Mapping[str, Method]:
    """Methods by name, read-only."""
    return MappingProxyType({method.name: method for method in methods})


METHODS = registry(
    LowestPrice(), Direct(), DiscountRate(), Lottery(), ReferencePrice(), OpenDescending(), Merit(), MultiCriteria()
)
