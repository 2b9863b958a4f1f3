"""Names of columns that say what they hold: identifiers of rows, or clusters that are known."""

import re

UNNAMED = re.compile(r"Unnamed: \d+|__index_level_\d+__|\s*")
THINGS = (  # whose identifiers are written in one word: "id" ends other words, too
    "account|case|client|customer|device|document|employee|event|invoice|item|member|order|patient|payment|"
    "person|post|product|record|respondent|sample|session|student|subject|ticket|transaction|tweet|user|visit"
)
IDENTIFIER = re.compile(
    rf"(?i:(?:.*[\s_.-])?(?:id|{THINGS})[\s_.-]?(?:id|no|nr|num|number)|(?:.*[\s_.-])?id|index|idx"
    r"|row|row[\s_.-]?(?:id|no|nr|num|number)|[^\W\d_]+nummer|[^\W\d_]+[\s_.-]?nr\.?"
    r"|(?:.*[\s_.-])?(?:account|iban|isbn|issn|ean|gtin|upc|sku|barcode|imei|ssn|uuid|guid|vin|serial)"
    r"(?:[\s_.-]?(?:no|nr|num|number|code))?"
    r"|(?:.*[\s_.-])?(?:tele)?(?:phone|fax|mobile)(?:[\s_.-]?(?:no|nr|num|number))?"
    r"|(?:.*[\s_.-])?(?:zip|postal|post|plz)(?:[\s_.-]?code)?)|.*[a-z]I[Dd]"
)
LABELS = re.compile(
    r"(?i:(?:(?:true|known)[\s_.-])?(?:labels?|class|target|clusters?|species)|(?:class|cluster)[\s_.-]?(?:id|label)"
    r"|leiden|louvain|ground[\s_.-]?truth|y[\s_.-]true)"
)
