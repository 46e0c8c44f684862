"""Conversations, messages, the events that clients see, turns, the interactions that explain every answer; adapters."""

from django.db import models
from django.utils import timezone

from chat.tuning_models import AdapterVersion, TuningRow, TuningRun
from tenants.models import Bot, Customer, GroupModel, Member, Tenant

__all__ = [
    "AdapterVersion", "Conversation", "ConversationPart", "Event", "Interaction", "Message", "TuningRow", "TuningRun",
    "Turn",
]  # fmt: skip


class Conversation(GroupModel):
    """A chat of one customer with one bot. `owner` and `version` say who speaks; see chat.handoff."""

    class Owner(models.TextChoices):
        BOT = "bot", "Bot"
        PERSON = "person", "Person"

    tenant = models.ForeignKey(Tenant, models.CASCADE, db_constraint=False, db_index=False, related_name="+")
    customer = models.ForeignKey(
        Customer, models.SET_NULL, null=True, db_constraint=False, related_name="conversations"
    )
    former_customer = models.ForeignKey(
        Customer,
        models.SET_NULL,
        null=True,
        db_constraint=False,
        related_name="+",
        help_text="Who has signed out of it: what was said is theirs, and nobody else may sign in to it.",
    )
    shown_from = models.PositiveBigIntegerField(default=0, help_text="What has a lower number is not shown any more.")
    token_hash = models.CharField(max_length=64, unique=True)
    owner = models.CharField(max_length=10, choices=Owner.choices, default=Owner.BOT)
    assignee = models.ForeignKey(Member, models.SET_NULL, null=True, db_constraint=False, related_name="+")
    waiting_since = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=0)
    last_seq = models.PositiveBigIntegerField(default=0)
    dialogue = models.JSONField(default=dict)
    page_url = models.CharField(max_length=2000, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-updated_at"]
        indexes = [
            models.Index(fields=["group", "-updated_at"], name="conversation_recent"),
            models.Index(
                fields=["group", "waiting_since"],
                condition=models.Q(waiting_since__isnull=False),
                name="conversation_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"Conversation {str(self.id)[:8]}"

    @property
    def state(self) -> str:
        """In one word: resolved, person, waiting or bot."""
        if self.resolved_at:
            return "resolved"
        if self.owner == self.Owner.PERSON:
            return "person"
        return "waiting" if self.waiting_since else "bot"


class ConversationPart(GroupModel):
    """Something said or done in a conversation: kept under the group that answered, which a front may differ from."""

    conversation_group = models.ForeignKey(Bot, models.CASCADE, db_constraint=False, db_index=False, related_name="+")
    conversation = models.ForeignKey(
        Conversation, models.CASCADE, db_constraint=False, db_index=False, related_name="%(class)ss"
    )

    class Meta:
        abstract = True


class Message(ConversationPart):
    """Something said by the customer, the bot or a person."""

    class Role(models.TextChoices):
        CUSTOMER = "customer", "Customer"
        BOT = "bot", "Bot"
        PERSON = "person", "Person"

    role = models.CharField(max_length=10, choices=Role.choices)
    text = models.TextField()
    seq = models.PositiveBigIntegerField()
    client_id = models.CharField(max_length=100, null=True)
    author = models.CharField(max_length=200, blank=True)
    choice = models.JSONField(null=True)
    answer = models.JSONField(null=True)
    helpful = models.BooleanField(null=True)
    feedback_comment = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["seq"]
        constraints = [
            models.UniqueConstraint(fields=["conversation_group", "conversation", "client_id"], name="message_once")
        ]
        indexes = [models.Index(fields=["conversation_group", "conversation", "seq"], name="message_in_order")]

    def __str__(self) -> str:
        return self.text[:80]


class Event(GroupModel):
    """What a client sees, numbered in its conversation."""

    conversation = models.ForeignKey(
        Conversation, models.CASCADE, db_constraint=False, db_index=False, related_name="events"
    )
    seq = models.PositiveBigIntegerField()
    type = models.CharField(max_length=20)
    data = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["seq"]
        constraints = [models.UniqueConstraint(fields=["group", "conversation", "seq"], name="event_in_order")]


class Turn(GroupModel):
    """A customer's message that waits for its answer, or is being answered under a lease."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"

    conversation = models.ForeignKey(
        Conversation, models.CASCADE, db_constraint=False, db_index=False, related_name="turns"
    )
    message_id = models.UUIDField()
    number = models.PositiveBigIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    lease = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["group", "message_id"], name="turn_once"),
            models.UniqueConstraint(
                fields=["group", "conversation"], condition=models.Q(state="running"), name="one_turn_at_a_time"
            ),
        ]
        indexes = [
            models.Index(fields=["created_at"], condition=~models.Q(state="done"), name="turn_unfinished"),
            models.Index(fields=["group", "conversation", "number"], name="turn_in_order"),
        ]


class Interaction(ConversationPart):
    """One customer message, the route it took and why, and everything that explains its answer later."""

    question = models.TextField()
    question_id = models.UUIDField()
    understood = models.TextField(blank=True, help_text="The question as understood from the conversation.")
    answer_id = models.UUIDField(null=True)
    answer = models.TextField(blank=True)
    route = models.CharField(max_length=10)
    confidence = models.FloatField()
    reason = models.TextField()
    retrieved = models.JSONField(default=list)
    calls = models.JSONField(default=list)
    versions = models.JSONField(default=dict)
    steps = models.JSONField(default=dict, help_text="Milliseconds of each step.")
    generations = models.JSONField(default=list, help_text="What each model that was asked took, and what came of it.")
    handoff = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["conversation_group", "question_id"], name="interaction_once")]
        indexes = [
            models.Index(fields=["group", "-created_at"], name="interaction_recent"),
            models.Index(fields=["conversation_group", "conversation"], name="interaction_of_conversation"),
        ]

    def __str__(self) -> str:
        return self.question[:80]
