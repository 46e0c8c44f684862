"""Tenants, their members, bots, API keys and customers."""

import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
from django.core.validators import RegexValidator
from django.db import models

from tenants import playbook
from tenants.encryption import EncryptedTextField


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractUser):
    """A person who can sign in to the web admin; what they may see follows from their memberships."""

    username = None  # type: ignore[assignment]
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    email = models.EmailField("email address", unique=True)
    name = models.CharField(max_length=150, blank=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = UserManager()  # type: ignore[misc,assignment]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name.split(" ")[0] or self.email


class Tenant(models.Model):
    """A client company."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class TenantModel(models.Model):
    """A row that a tenant owns: the database's key is (tenant_id, id)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.CASCADE, db_constraint=False, db_index=False, related_name="+")

    class Meta:
        abstract = True


class Member(TenantModel):
    """A person of a tenant, with the role that says what they may do."""

    class Role(models.TextChoices):
        OWNER = "owner", "Owner"
        ADMIN = "admin", "Admin"
        KNOWLEDGE_ADMIN = "knowledge_admin", "Knowledge admin"
        AGENT = "agent", "Agent"
        VIEWER = "viewer", "Viewer"

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.AGENT)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "user"], name="member_once_per_tenant")]

    def __str__(self) -> str:
        return str(self.user)


class ApiKey(TenantModel):
    """A secret that opens the management API; only its hash is kept."""

    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, editable=False)
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


def default_languages() -> list[str]:
    return ["en"]


class Bot(models.Model):
    """One chatbot for one business line; its id is the group ID that everything it owns carries."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False, db_column="group_id")
    tenant = models.ForeignKey(Tenant, models.CASCADE, db_constraint=False, db_index=False, related_name="bots")
    key = models.CharField(
        max_length=63,
        unique=True,
        validators=[RegexValidator(r"^[a-z0-9]+(-[a-z0-9]+)*\Z", "Use lower-case letters, digits and single hyphens.")],
        help_text="The public name in the widget's data-bot attribute. Lower-case letters, digits and hyphens.",
    )
    name = models.CharField(max_length=100)
    description = models.TextField(
        blank=True, help_text="What this business line is about, in a sentence or two; used to put questions through."
    )
    fronted_by = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        db_constraint=False,
        related_name="fronts",
        help_text="The bot whose widget puts questions through to this one.",
    )
    playbook_goals = models.TextField(
        "goals", blank=True, default="", help_text="What the bot should lead its conversations to, one goal per line."
    )
    playbook_next_questions = models.TextField(
        "next questions", blank=True, default="", help_text="What it may ask after an answer, one question per line."
    )
    playbook_objections = models.TextField(
        "replies to objections",
        blank=True,
        default="",
        help_text="One per line: what a customer objects, a colon, and the reply. “It is too dear: You can hire it "
        "first.”",
    )
    greeting = models.CharField(max_length=500, default="Hello! How can I help?")
    suggestions = models.JSONField(default=list, blank=True, help_text="Questions offered at the start.")
    theme = models.JSONField(
        default=dict, blank=True, help_text='Colour and logo: {"color": "#0b5fff", "logo": "https://…"}'
    )
    languages = models.JSONField(default=default_languages, blank=True)
    allowed_origins = models.JSONField(
        default=list, blank=True, help_text="Websites that may carry the widget; empty means any."
    )
    identity_secret = EncryptedTextField(
        blank=True, default="", help_text="Signs the tokens (HS256) by which your server tells us who a customer is."
    )
    identity_jwks_url = models.URLField(
        "identity keys",
        max_length=500,
        blank=True,
        help_text="Where your server publishes its keys (JWKS) for tokens signed with RS256 or ES256.",
    )
    identity_issuer = models.CharField(max_length=200, blank=True, help_text="If set, the `iss` a token must carry.")
    identity_required = models.BooleanField(
        "signed-in customers only", default=False, help_text="Whether customers must sign in before the bot answers."
    )
    openid_issuer = models.URLField(
        "issuer", max_length=500, blank=True, help_text="Your OpenID provider, where customers sign in from the chat."
    )
    openid_client_id = models.CharField("client ID", max_length=255, blank=True)
    openid_client_secret = EncryptedTextField("client secret", blank=True, default="")
    openid_scope = models.CharField(
        "scope",
        max_length=200,
        blank=True,
        default="openid profile email",
        help_text="What is asked of the provider, separated by blanks; openid is always among it.",
    )
    knowledge_version = models.BigIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name

    @property
    def playbook(self) -> playbook.Playbook:
        return playbook.read(self.playbook_goals, self.playbook_next_questions, self.playbook_objections)

    @property
    def sign_in_methods(self) -> list[str]:
        """How customers may sign in: by a token of the website (`identity`), or here at the provider (`openid`)."""
        by_token = bool(self.identity_secret or self.identity_jwks_url)
        here = bool(self.openid_issuer and self.openid_client_id)
        return [name for name, offered in (("identity", by_token), ("openid", here)) if offered]


class GroupModel(models.Model):
    """A row that a bot owns: the database's key is (group_id, id)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    group = models.ForeignKey(
        Bot, models.CASCADE, db_constraint=False, db_index=False, related_name="+", verbose_name="bot"
    )

    class Meta:
        abstract = True


class Customer(GroupModel):
    """An end user verified by the tenant's single sign-on: known by (group, issuer, subject); never a Django user."""

    issuer = models.CharField(max_length=200, blank=True)
    subject = models.CharField(max_length=255)
    name = models.CharField(max_length=200, blank=True)
    email = models.CharField(max_length=254, blank=True)
    locale = models.CharField(max_length=35, blank=True)
    claims = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    last_seen_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "issuer", "subject"], name="customer_by_subject")]

    def __str__(self) -> str:
        return self.name or self.subject


class UsedToken(GroupModel):
    """An identity token that has signed somebody in: until it expires, it counts in that conversation only."""

    digest = models.CharField(max_length=64)
    conversation_id = models.UUIDField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["group", "digest"], name="token_once")]
        indexes = [models.Index(fields=["group", "expires_at"], name="used_token_by_expiry")]


class SignIn(GroupModel):
    """A customer's sign-in at the bot's OpenID provider, for one conversation; it goes when the customer signs out.

    `code_hash` is that of the code by which the conversation takes it over; it is empty once that has happened.
    """

    customer = models.ForeignKey(Customer, models.CASCADE, db_constraint=False, related_name="sign_ins")
    conversation_id = models.UUIDField()
    code_hash = models.CharField(max_length=64, blank=True)
    access_token = EncryptedTextField(blank=True, default="")
    refresh_token = EncryptedTextField(blank=True, default="")
    expires_at = models.DateTimeField(null=True)
    refreshing_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["group", "conversation_id"], name="sign_in_of_conversation")]
