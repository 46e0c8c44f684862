"""Live data: a tenant's HTTP APIs, the actions that a bot may call of them, every call, and the trail of calls."""

from django.db import models
from django.utils import timezone

from tenants.encryption import EncryptedTextField
from tenants.models import Bot, GroupModel


class DataApi(GroupModel):
    """A tenant's live HTTP API."""

    class Auth(models.TextChoices):
        NONE = "none", "None"
        HEADER = "header", "Header"
        BEARER = "bearer", "Bearer token"
        BASIC = "basic", "Basic (user:password)"
        CLIENT = "client_credentials", "OAuth client credentials"
        CUSTOMER = "customer", "The customer's own token"
        EXCHANGE = "exchange", "The customer's own token, exchanged (RFC 8693)"

    name = models.CharField(max_length=100)
    base_url = models.URLField(max_length=500, help_text="Every action's path is added to this address.")
    allowed_hosts = models.JSONField(
        default=list, blank=True, help_text="Hosts that calls may go to; empty means the base URL's host."
    )
    auth_type = models.CharField("authentication", max_length=20, choices=Auth.choices, default=Auth.NONE)
    auth_name = models.CharField("header name", max_length=100, blank=True)
    auth_secret = EncryptedTextField("secret", blank=True, default="")
    token_url = models.URLField("token endpoint", max_length=500, blank=True, help_text="Where tokens are asked for.")
    client_id = models.CharField("client ID", max_length=200, blank=True)
    token_scope = models.CharField("scope", max_length=500, blank=True, help_text="What the token is asked for.")
    token_audience = models.CharField("audience", max_length=500, blank=True, help_text="Whom the token is for.")
    honours_keys = models.BooleanField(
        "honours Idempotency-Key",
        default=False,
        help_text="Two calls with the same Idempotency-Key have the effect of one: a call whose answer was lost is "
        "then safely sent again.",
    )
    timeout_s = models.FloatField("time limit (seconds)", default=5.0)

    class Meta:
        verbose_name = "data API"
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["group", "name"], name="data_api_name_once")]

    def __str__(self) -> str:
        return self.name


class Action(GroupModel):
    """One operation of a data API that the bot may call. `parameters` is checked by knowledge.parameters."""

    METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

    data_api = models.ForeignKey(DataApi, models.CASCADE, db_constraint=False, related_name="actions")
    name = models.SlugField(max_length=100)
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True, help_text="What it tells or does, in a sentence.")
    method = models.CharField(max_length=6, choices=[(each, each) for each in METHODS], default="GET")
    only_reads = models.BooleanField(
        default=False, help_text="A POST that changes nothing, such as a search or a calculation."
    )
    path = models.CharField(max_length=500, help_text="Below the base URL; {name} stands for a path parameter.")
    parameters = models.JSONField(default=list, blank=True)
    examples = models.JSONField(default=list, blank=True, help_text="Questions that it answers.")
    results = models.JSONField(
        default=dict, blank=True, help_text="Names for values of the response, each with its JSON path."
    )
    answer = models.TextField("answer template", help_text="Jinja2 over `response`, `results` and `arguments`.")
    confirmation = models.TextField(
        "confirmation template", blank=True, help_text="What the customer confirms. Jinja2 over `arguments`."
    )
    requires_verified = models.BooleanField("needs a signed-in customer", default=False)
    needs_approval = models.BooleanField("a colleague must approve", default=False)
    amount_parameter = models.CharField("the amount", max_length=63, blank=True, help_text="Its parameter's name.")
    most_amount = models.DecimalField("highest amount", max_digits=16, decimal_places=2, null=True, blank=True)
    approve_above = models.DecimalField(
        "a colleague must approve above", max_digits=16, decimal_places=2, null=True, blank=True
    )
    most_per_day = models.PositiveIntegerField("times a day for each customer", null=True, blank=True)
    status_action = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, db_constraint=False, related_name="+"
    )
    status_answer = models.TextField(
        "done?",
        blank=True,
        help_text="Jinja2 over the look-up’s `response`: says yes, no, or anything else for “not known”.",
    )
    enabled = models.BooleanField(default=True)
    revision = models.PositiveIntegerField(default=1, editable=False)
    indexed_revision = models.PositiveIntegerField(default=0, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["group", "name"], name="action_name_once")]

    def __str__(self) -> str:
        return self.title

    @property
    def writes(self) -> bool:
        """Whether it changes something, so that it runs only after the customer's yes."""
        return self.method != "GET" and not self.only_reads


class ActionPolicy(GroupModel):
    """A document with the rules that govern an action: shown where it is confirmed and approved."""

    action = models.ForeignKey(Action, models.CASCADE, db_constraint=False, related_name="policies")
    document = models.ForeignKey("knowledge.Document", models.CASCADE, db_constraint=False, related_name="+")

    class Meta:
        verbose_name = "policy"
        verbose_name_plural = "policies"
        constraints = [models.UniqueConstraint(fields=["group", "action", "document"], name="policy_once")]

    def __str__(self) -> str:
        return str(self.document)


class Call(GroupModel):
    """One run of an action. A write is kept from its proposal on; see knowledge.writes for how its state moves."""

    class State(models.TextChoices):
        PROPOSED = "proposed", "Waits for the customer's yes"
        AWAITING = "awaiting", "Waits for approval"
        CONFIRMED = "confirmed", "Confirmed"
        SENDING = "sending", "Under way"
        DONE = "done", "Done"
        FAILED = "failed", "Not done"
        UNKNOWN = "unknown", "Not known"
        DECLINED = "declined", "The customer said no"
        REFUSED = "refused", "Refused by a colleague"
        EXPIRED = "expired", "Expired"
        WITHDRAWN = "withdrawn", "Withdrawn"

    action = models.ForeignKey(Action, models.SET_NULL, null=True, db_constraint=False, related_name="calls")
    action_name = models.CharField(max_length=100)
    action_revision = models.PositiveIntegerField(default=0)
    method = models.CharField(max_length=6, default="GET")
    state = models.CharField(max_length=10, choices=State.choices, default=State.DONE)
    conversation_id = models.UUIDField(null=True)
    conversation_group_id = models.UUIDField(null=True)
    customer_id = models.UUIDField(null=True)
    customer_subject = models.CharField(max_length=255, blank=True)
    made_by = models.CharField(max_length=200, blank=True, help_text="Who tried it, where it was no customer.")
    arguments = models.JSONField(default=dict)
    frozen = EncryptedTextField(blank=True, default="", help_text="The arguments as they will be sent.")
    summary = models.TextField(blank=True, help_text="What the customer was asked to confirm.")
    said = models.TextField(blank=True, help_text="What the customer was told of the outcome.")
    approved_by = models.CharField(max_length=200, blank=True)
    outcome = models.CharField(max_length=20, blank=True)
    status = models.PositiveIntegerField(null=True)
    duration_ms = models.FloatField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True, help_text="When somebody must look after it, if nobody has by then.")

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["group", "created_at"], name="call_by_time"),
            models.Index(fields=["group", "conversation_id"], name="call_by_conversation"),
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="call_due"),
        ]

    def __str__(self) -> str:
        return f"{self.action_name}: {self.state}"


class CallRecord(GroupModel):
    """The trail: one line for each state that a call has entered. The database writes it, and lets nobody change it."""

    # Deleting a bot takes its trail along in the database; nothing else does.
    group = models.ForeignKey(
        Bot, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+", verbose_name="bot"
    )
    at = models.DateTimeField("time", default=timezone.now)
    call_id = models.UUIDField()
    state = models.CharField(max_length=10, choices=Call.State.choices)
    action_name = models.CharField("action", max_length=100)
    method = models.CharField(max_length=6)
    conversation_id = models.UUIDField(null=True)
    customer_subject = models.CharField("customer", max_length=255, blank=True)
    made_by = models.CharField(max_length=200, blank=True)
    arguments = models.JSONField(default=dict)
    outcome = models.CharField(max_length=20, blank=True)
    status = models.PositiveIntegerField("HTTP status", null=True)
    duration_ms = models.FloatField("milliseconds", default=0)
    approved_by = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = "call"
        verbose_name_plural = "trail of calls"
        ordering = ["-at"]
        indexes = [
            models.Index(fields=["group", "-at"], name="call_record_recent"),
            models.Index(fields=["group", "call_id"], name="call_record_of_call"),
        ]

    def __str__(self) -> str:
        return f"{self.action_name}: {self.get_state_display()}"
