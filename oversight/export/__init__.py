"""Export (导出): the public record of a city as files that `oversight.verify` checks without a database."""
