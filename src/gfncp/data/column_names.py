"""Names of columns that say what they hold: identifiers of rows, or clusters that are known."""

import re

UNNAMED = re.compile(r"Unnamed: \d+|__index_level_\d+__|\s*")
THINGS = (  # whose identifiers are written in one word: "id" ends other words, too
    "account|case|client|customer|device|document|employee|event|invoice|item|member|order|patient|payment|"
    "person|post|product|record|respondent|sample|session|student|subject|ticket|transaction|tweet|user|visit"
)
NUMBER = r"[\s_.-]?(?:no|nr|num|number)"
IDENTIFIER = re.compile(
    rf"(?i:(?:.*[\s_.-])?(?:{THINGS})(?:[\s_.-]?id|{NUMBER})|(?:.*[\s_.-])?id|index|idx|row|row(?:[\s_.-]?id|{NUMBER})"
    rf"|[^\W\d_]+nummer|[^\W\d_]+[\s_.-]?nr\.?"
    rf"|(?:.*[\s_.-])?(?:account|iban|isbn|issn|ean|gtin|upc|sku|barcode|imei|ssn|uuid|guid)(?:{NUMBER})?"
    rf"|(?:.*[\s_.-])?(?:serial{NUMBER}|mobile{NUMBER}|(?:mobile|tele)?(?:phone|fax)(?:{NUMBER})?)"
    r"|(?:.*[\s_.-])?(?:plz|zip|(?:zip|postal|post)[\s_.-]?code))|.*[a-z]I[Dd]"
)
LABELS = re.compile(
    r"(?i:(?:(?:true|known)[\s_.-])?(?:labels?|class|target|clusters?|species)|(?:class|cluster)[\s_.-]?(?:id|label)"
    r"|leiden|louvain|ground[\s_.-]?truth|y[\s_.-]true)"
)
