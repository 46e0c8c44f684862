"""What a bot knows, in the web admin: FAQs, documents, live data and its trail, and what it is searched with."""

from knowledge.admin_calls import CallRecordAdmin
from knowledge.admin_documents import DocumentAdmin
from knowledge.admin_faqs import FaqAdmin
from knowledge.admin_live import ActionAdmin, DataApiAdmin
from knowledge.admin_spaces import SpaceAdmin

__all__ = ["ActionAdmin", "CallRecordAdmin", "DataApiAdmin", "DocumentAdmin", "FaqAdmin", "SpaceAdmin"]
