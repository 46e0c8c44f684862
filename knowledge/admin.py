"""What a bot knows, in the web admin: FAQs, documents, data APIs and actions."""

from knowledge.admin_documents import DocumentAdmin
from knowledge.admin_faqs import FaqAdmin
from knowledge.admin_live import ActionAdmin, DataApiAdmin

__all__ = ["ActionAdmin", "DataApiAdmin", "DocumentAdmin", "FaqAdmin"]
