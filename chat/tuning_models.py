"""A bot's own adapter: the rows that it learns from, the runs that train it, and its versions."""

from typing import Any

from django.db import models
from django.utils import timezone

from tenants.models import GroupModel


class TuningRow(GroupModel):
    """Something that the adapter is to answer. `context` holds the sources and exchanges that are in its prompt.

    What is made from the bot's knowledge is made again before each run; `digest` finds what a person has decided.
    """

    class Kind(models.TextChoices):
        FAQ = "faq", "FAQ"
        REPHRASED = "rephrased", "Rephrased question"
        COMBINED = "combined", "Several FAQs"
        PASSAGE = "passage", "From given sources"
        ABSENT = "absent", "Not in what it knows"
        COMPETITOR = "competitor", "Comparison with others"
        PLAYBOOK = "playbook", "Playbook"
        CONVERSATION = "conversation", "Conversation"
        FILE = "file", "File"
        GENERIC = "generic", "Generic support"

    class Label(models.TextChoices):
        ANSWERABLE = "answerable", "Answerable"
        UNANSWERABLE = "unanswerable", "Unanswerable"

    class Split(models.TextChoices):
        TRAIN = "train", "Training"
        HELD_OUT = "held_out", "Held out"

    kind = models.CharField(max_length=20, choices=Kind.choices)
    prompt = models.TextField("question")
    completion = models.TextField("answer", blank=True)
    context = models.JSONField(default=dict)
    label = models.CharField(max_length=12, choices=Label.choices, default=Label.ANSWERABLE)
    excluded = models.BooleanField(default=False)
    reviewed = models.BooleanField(default=False, help_text="Whether a person has decided on label or exclusion.")
    split = models.CharField(max_length=10, choices=Split.choices, default=Split.TRAIN)
    source = models.CharField(max_length=500, blank=True, help_text="What it was made from.")
    digest = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["kind", "source", "prompt"]
        verbose_name = "training row"
        constraints = [models.UniqueConstraint(fields=["group", "digest"], name="tuning_row_once")]
        indexes = [models.Index(fields=["group", "kind"], name="tuning_row_by_kind")]

    def __str__(self) -> str:
        return self.prompt[:80]


class TuningRun(GroupModel):
    """One training with its evaluation. A worker holds it until `due_at`; after that another takes it up."""

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        TRAINING = "training", "Training"
        EVALUATING = "evaluating", "Evaluating"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    UNFINISHED = (State.QUEUED, State.TRAINING, State.EVALUATING)

    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    settings = models.JSONField(default=dict)
    served_model = models.CharField(max_length=500, blank=True, help_text="The base as the endpoint calls it.")
    weights = models.CharField(max_length=500, help_text="Where its weights are: a folder, or a name in the cache.")
    progress = models.JSONField(default=dict)
    figures = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    attempts = models.PositiveIntegerField(default=0)
    lease = models.UUIDField(null=True)
    due_at = models.DateTimeField(default=timezone.now)
    started_by = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]
        verbose_name = "training"
        constraints = [
            models.UniqueConstraint(
                fields=["group"], condition=~models.Q(state__in=["done", "failed"]), name="one_tuning_at_a_time"
            )
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=~models.Q(state__in=["done", "failed"]), name="tuning_unfinished")
        ]

    def __str__(self) -> str:
        return f"Training of {self.created_at:%-d %B %Y, %H:%M}"

    @property
    def is_unfinished(self) -> bool:
        return self.state in self.UNFINISHED


class AdapterVersion(GroupModel):
    """An adapter of the bot's, by a number that is never used again. `base` is what the endpoint calls the model that
    it belongs to."""

    class State(models.TextChoices):
        CANDIDATE = "candidate", "Candidate"
        LIVE = "live", "Live"
        RETIRED = "retired", "Retired"
        REJECTED = "rejected", "Rejected"
        DISCARDED = "discarded", "Deleted"

    run = models.ForeignKey(TuningRun, models.SET_NULL, null=True, db_constraint=False, related_name="versions")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.CANDIDATE)
    base = models.CharField(max_length=500)
    settings = models.JSONField(default=dict)
    figures = models.JSONField(default=dict)
    verdict = models.TextField(blank=True, help_text="Why it was published, or not.")
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["group", "number"], name="adapter_version_once"),
            models.UniqueConstraint(fields=["group"], condition=models.Q(state="live"), name="one_live_adapter"),
        ]

    def __str__(self) -> str:
        return f"Version {self.number}"

    @property
    def name(self) -> str:
        """The adapter's name at the endpoint, and its folder's: made of nothing but the row's own numbers."""
        return f"{self.group_id}-{self.number}"

    def figure(self, whose: str, name: str) -> Any:
        return (self.figures.get(whose) or {}).get(name)
