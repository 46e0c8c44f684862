"""What a bot knows: FAQs with phrasings, documents with revisions and chunks, vectors, data APIs, actions and calls."""

from django.db import models
from django.utils import timezone
from pgvector.django import HalfVectorField, VectorField

from knowledge.live_models import Action, ActionPolicy, Call, CallRecord, DataApi
from tenants.models import Bot, GroupModel

__all__ = [
    "Action", "ActionPolicy", "Call", "CallRecord", "Chunk", "DataApi", "Document", "DocumentRevision",
    "EmbeddingSpace", "Faq", "IndexJob", "Phrasing", "Posting", "Vector",
]  # fmt: skip


class Faq(GroupModel):
    """A vetted answer to a question."""

    external_id = models.CharField("ID", max_length=200, blank=True, help_text="Your own name for it, kept on import.")
    question = models.TextField(max_length=1000)
    answer = models.TextField(max_length=8000)
    category = models.CharField(max_length=100, blank=True)
    language = models.CharField(max_length=35, blank=True, default="en")
    enabled = models.BooleanField(default=True, help_text="Only enabled FAQs are answered.")
    revision = models.PositiveIntegerField(default=1, editable=False)
    indexed_revision = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "FAQ"
        ordering = ["question"]
        indexes = [models.Index(fields=["group", "external_id"], name="faq_by_external_id")]
        constraints = [
            models.UniqueConstraint(
                fields=["group", "external_id"], condition=~models.Q(external_id=""), name="faq_external_id_once"
            )
        ]

    def __str__(self) -> str:
        return self.question


class Phrasing(GroupModel):
    """Another way in which customers ask an FAQ's question."""

    faq = models.ForeignKey(Faq, models.CASCADE, db_constraint=False, db_index=False, related_name="phrasings")
    text = models.TextField(max_length=1000)

    class Meta:
        ordering = ["text"]
        indexes = [models.Index(fields=["group", "faq"], name="phrasing_by_faq")]

    def __str__(self) -> str:
        return self.text


class Document(GroupModel):
    """A file or page; the current revision answers once its index has caught up."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        READING = "reading", "Reading"
        EMBEDDING = "embedding", "Embedding"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"

    external_id = models.CharField("ID", max_length=500, blank=True, help_text="Your own name for it, or its path.")
    title = models.CharField(max_length=300)
    url = models.URLField(max_length=1000, blank=True, help_text="Where customers can read it.")
    dated = models.DateField("date of the source", null=True, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED, editable=False)
    error = models.TextField(blank=True, editable=False)
    notice = models.TextField(blank=True, default="", editable=False)
    pages = models.PositiveIntegerField(null=True, blank=True, editable=False)
    revision = models.PositiveIntegerField(default=0, editable=False)
    indexed_revision = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["title"]
        constraints = [
            models.UniqueConstraint(
                fields=["group", "external_id"], condition=~models.Q(external_id=""), name="document_external_id_once"
            )
        ]

    def __str__(self) -> str:
        return self.title


class DocumentRevision(GroupModel):
    """The bytes of a document as they were given, each time that they changed."""

    document = models.ForeignKey(
        Document, models.CASCADE, db_constraint=False, db_index=False, related_name="revisions"
    )
    number = models.PositiveIntegerField()
    filename = models.CharField(max_length=300)
    data = models.BinaryField()
    content_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["group", "document", "number"], name="revision_once")]

    def __str__(self) -> str:
        return f"Revision {self.number}"


class Chunk(GroupModel):
    """A piece of a document, as it is searched, quoted and cited."""

    document = models.ForeignKey(Document, models.CASCADE, db_constraint=False, db_index=False, related_name="chunks")
    revision = models.PositiveIntegerField()
    position = models.PositiveIntegerField()
    text = models.TextField()
    heading_path = models.JSONField(default=list)
    page = models.PositiveIntegerField(null=True)
    kind = models.CharField(max_length=10, default="text")
    language = models.CharField(max_length=10, default="en", editable=False)
    content_hash = models.CharField(max_length=64)
    # Passages that are alike have one of these in common; see knowledge.likeness.
    band_1 = models.BigIntegerField(null=True, editable=False)
    band_2 = models.BigIntegerField(null=True, editable=False)
    band_3 = models.BigIntegerField(null=True, editable=False)

    class Meta:
        ordering = ["position"]
        indexes = [
            # None is led by the group, for one passage is looked up by them too: see search_passages.sql.
            models.Index(fields=["document", "group", "position"], name="chunk_of_document"),
            models.Index(fields=["content_hash", "group"], name="chunk_of_content"),
            models.Index(fields=["band_1", "group"], name="chunk_of_band_1"),
            models.Index(fields=["band_2", "group"], name="chunk_of_band_2"),
            models.Index(fields=["band_3", "group"], name="chunk_of_band_3"),
        ]

    def __str__(self) -> str:
        return " › ".join(self.heading_path) or self.text[:80]


class EmbeddingSpace(GroupModel):
    """A model, its revision and dimension, in which a bot's texts have vectors.

    `source` says where the model is to be had (a ModelChoice). `chosen` is what somebody wants the bot to answer from,
    and stays so when the installation's model changes.
    """

    key = models.CharField(max_length=200)
    model = models.CharField(max_length=200)
    revision = models.CharField(max_length=100)
    dimension = models.PositiveIntegerField()
    source = models.JSONField(default=dict)
    active = models.BooleanField(default=False)
    chosen = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    activated_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-active", "-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["group", "key"], name="space_once"),
            models.UniqueConstraint(fields=["group"], condition=models.Q(active=True), name="one_active_space"),
            models.UniqueConstraint(fields=["group"], condition=models.Q(chosen=True), name="one_chosen_space"),
        ]

    def __str__(self) -> str:
        return self.key


class SpaceMove(GroupModel):
    """A bot, with those that it fronts, on its way to another embedding space; it goes when they have arrived.

    `key` is the space's, once a worker has loaded the model. `due_at` is when a worker is to take it up (again): later
    than now while one works on it, or after a failure.
    """

    source = models.JSONField(default=dict)
    chosen = models.BooleanField(default=False)
    key = models.CharField(max_length=200, blank=True)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group"], name="one_move")]

    def __str__(self) -> str:
        return self.key or str(self.source.get("model", ""))


class Vector(models.Model):
    """The embedding of one text in one space; texts that are the same share it, so an edit embeds only what changed."""

    pk = models.CompositePrimaryKey("group_id", "space", "content_hash")
    group = models.ForeignKey(Bot, models.CASCADE, db_constraint=False, db_index=False, related_name="+")
    space = models.CharField(max_length=200)
    content_hash = models.CharField(max_length=64)
    embedding = VectorField()
    # Token vectors for late interaction, packed; empty where the model has none.
    tokens = models.BinaryField(default=b"", db_default=b"")


class ChunkVector(models.Model):
    """A chunk's vector in one space as search reads it, at half precision; knowledge.search_index makes it."""

    pk = models.CompositePrimaryKey("group_id", "chunk_id", "space")
    group = models.ForeignKey(Bot, models.CASCADE, db_constraint=False, db_index=False, related_name="+")
    chunk = models.ForeignKey(Chunk, models.CASCADE, db_constraint=False, db_index=False, related_name="vectors")
    space = models.CharField(max_length=200)
    embedding = HalfVectorField()

    class Meta:
        # With the chunk, since by this index too one passage is looked up: see search_passages.sql.
        indexes = [models.Index(fields=["group", "space", "chunk"], name="chunk_vector_in_space")]


class OwnIndex(GroupModel):
    """The vector index of a large bot, as knowledge.large_bots has made and measured it.

    `breadth` is how many neighbours a search of it looks at, and `recall` what it then finds of the nearest.
    """

    space = models.CharField(max_length=200)
    chunks = models.PositiveIntegerField()
    breadth = models.PositiveIntegerField()
    recall = models.FloatField()
    usable = models.BooleanField()
    checked_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "space"], name="own_index_once")]


class Posting(models.Model):
    """One term of one chunk with its BM25 weight: the inverted index beside the vectors."""

    pk = models.CompositePrimaryKey("group_id", "term", "chunk_id")
    group = models.ForeignKey(Bot, models.CASCADE, db_constraint=False, db_index=False, related_name="+")
    term = models.CharField(max_length=60)
    chunk = models.ForeignKey(Chunk, models.CASCADE, db_constraint=False, db_index=False, related_name="postings")
    weight = models.FloatField()

    class Meta:
        # Not led by the group: search must never be tempted to read all words of a bot for the sake of a few.
        indexes = [models.Index(fields=["chunk", "group"], name="posting_by_chunk")]


class IndexJob(GroupModel):
    """The outbox: something whose index lags behind. Ids only; a job goes when the work is done."""

    class Kind(models.TextChoices):
        FAQ = "faq"
        DOCUMENT = "document"
        ACTION = "action"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    object_id = models.UUIDField()
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "kind", "object_id"], name="index_job_once")]
        indexes = [models.Index(fields=["due_at"], name="index_job_due")]
