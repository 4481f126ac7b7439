"""
One page of a reproduction: HTML that needs nothing else, for a browser, a phone and a printer.

`evidence` computes what the page says, once; the functions of `sections` turn it into `parts`
(words, tables, figures), which know no HTML; `render` puts these into a template and writes it.
"""

from reesupply.report.page.evidence import Effort, Evidence
from reesupply.report.page.render import check_page, page_date, page_of, write_page

__all__ = ["Effort", "Evidence", "check_page", "page_date", "page_of", "write_page"]
