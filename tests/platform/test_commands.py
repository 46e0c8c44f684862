"""The commands of the contract: what they print, what they refuse, and how they end."""

import io
import json
import secrets
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from knowledge.models import Document, Faq, Phrasing
from tenants import resolve
from tenants.scope import within
from tests.conftest import Business

MANAGED = "id,question,answer,alternates,category\n"
QUESTION = "Do you lend life jackets?"
ANSWER = "We lend life jackets with every boat."


def run(name: str, *words: Any, **options: Any) -> tuple[Any, str, int]:
    """What a command printed as JSON (None: nothing), its complaints, and its exit status."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    try:
        call_command(name, *map(str, words), stdout=out, stderr=err, **options)
    except CommandError as problem:
        code = problem.returncode
        err.write(str(problem))
    printed = out.getvalue().strip()
    return json.loads(printed) if printed else None, err.getvalue(), code


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


class TestCreateTenant:
    def test_it_prints_the_tenant_with_its_bots_and_a_key_that_works(self) -> None:
        keys = [f"made-{secrets.token_hex(4)}" for _ in range(2)]
        made, _, code = run("create_tenant", "Quayside", "--bot", keys[0], "--bot", keys[1])
        assert (code, set(made)) == (0, {"id", "name", "api_key", "bots"})
        assert [bot["key"] for bot in made["bots"]] == keys
        key = resolve.api_key(made["api_key"])
        assert key is not None
        assert (str(key.tenant_id), {str(group) for group in key.scope.groups}) == (
            made["id"],
            {bot["group_id"] for bot in made["bots"]},
        )

    @pytest.mark.parametrize(
        ("name", "key", "word"),
        [("Quayside", "no spaces", "key"), ("Quayside", "a/b", "key"), ("", "fine-key", "name")],
    )
    def test_a_bad_name_or_key_is_refused_and_nothing_is_made(self, name: str, key: str, word: str) -> None:
        made, said, code = run("create_tenant", name, "--bot", key)
        assert (made, code) == (None, 1)
        assert word in said
        assert resolve.bot(key) is None

    def test_a_key_that_is_taken_is_refused(self, harbor: Business) -> None:
        made, said, code = run("create_tenant", "Quayside", "--bot", harbor.bot.key)
        assert (made, code) == (None, 1)
        assert "taken" in said


class TestImportFaqs:
    def run(self, business: Business, path: Path) -> tuple[Any, str, int]:
        return run("import_faqs", path, "--bot", business.bot.key)

    def test_good_rows_are_imported_bad_ones_named_and_the_status_says_so(
        self, harbor: Business, tmp_path: Path
    ) -> None:
        rows = f"q1,{QUESTION},{ANSWER},Life vests?|Vests to borrow?,boats\nq2,,Lost.,,\nq3,Open?,,,\nq4,a,b,c,d,e,f\n"
        path = write(tmp_path, "faqs.csv", MANAGED + rows)
        counts, said, code = self.run(harbor, path)
        assert counts == {"created": 1, "updated": 0, "unchanged": 0, "bad": 3}
        assert code == 1
        for line in ("faqs.csv: line 3, question", "faqs.csv: line 4, answer", "faqs.csv: line 5"):
            assert line in said
        with within(harbor.scope):
            faq = Faq.objects.get()
            assert (faq.external_id, faq.question, faq.answer, faq.category) == ("q1", QUESTION, ANSWER, "boats")
            assert set(Phrasing.objects.values_list("text", flat=True)) == {"Life vests?", "Vests to borrow?"}

    def test_the_same_file_twice_changes_nothing_and_a_changed_row_is_updated(
        self, harbor: Business, tmp_path: Path
    ) -> None:
        path = write(tmp_path, "faqs.csv", f"{MANAGED}q1,{QUESTION},{ANSWER},,\n,Second?,Yes.,,\n")
        assert self.run(harbor, path)[0]["created"] == 2
        assert self.run(harbor, path) == ({"created": 0, "updated": 0, "unchanged": 2, "bad": 0}, "", 0)
        path = write(tmp_path, "faqs.csv", f"{MANAGED}q1,{QUESTION},No longer.,,\n,Second?,Yes.,,\n")
        assert self.run(harbor, path)[0] == {"created": 0, "updated": 1, "unchanged": 1, "bad": 0}

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("bom.csv", f"\ufeffquestion,answer\n{QUESTION},Für 5 €.\n".encode()),
            ("semicolons.csv", f"question;answer\r\n{QUESTION};Für 5 €.\r\n".encode()),
            ("tabs.csv", f"Question\tAnswer\n{QUESTION}\tFür 5 €.\n".encode()),
            ("windows.csv", f"question;answer\r\n{QUESTION};Für 5 €.\r\n".encode("cp1252")),
            ("utf16.csv", f"question,answer\n{QUESTION},Für 5 €.\n".encode("utf-16")),
            ("prompts.csv", f"prompt,completion\n{QUESTION},Für 5 €.\n".encode()),
            ("faqs.jsonl", (json.dumps({"prompt": QUESTION, "completion": "Für 5 €."}) + "\n").encode()),
        ],
    )
    def test_every_usual_kind_of_file_is_read(
        self, harbor: Business, tmp_path: Path, name: str, content: bytes
    ) -> None:
        counts, said, code = self.run(harbor, write(tmp_path, name, content))
        assert (counts["created"], said, code) == (1, "", 0)
        with within(harbor.scope):
            assert list(Faq.objects.values_list("question", "answer")) == [(QUESTION, "Für 5 €.")]

    def test_bad_lines_of_jsonl_are_named(self, harbor: Business, tmp_path: Path) -> None:
        good = json.dumps({"question": QUESTION, "answer": ANSWER, "alternates": ["Vests?", "Jackets?"]})
        hostile = json.dumps({"question": "NUL\0?", "answer": "half \ud800"})
        path = write(
            tmp_path, "faqs.jsonl", f'{good}\n{{broken\n[1]\n{{"question": ["x"], "answer": "y"}}\n{hostile}\n'
        )
        counts, said, code = self.run(harbor, path)
        assert (counts["created"], code) == (1, 1)
        for line in (2, 3, 4, 5):
            assert f"faqs.jsonl: line {line}" in said, said

    @pytest.mark.parametrize(
        ("content", "word"),
        [(b"", "empty"), (b"%PDF-1.7", "not a text file"), (b"name,colour\na,b\n", "question and answer")],
    )
    def test_a_file_that_is_none_is_refused_as_a_whole(
        self, harbor: Business, tmp_path: Path, content: bytes, word: str
    ) -> None:
        counts, said, code = self.run(harbor, write(tmp_path, "faqs.csv", content))
        assert (counts, code) == (None, 1)
        assert word in said

    def test_a_missing_file_and_a_missing_bot_are_said(self, harbor: Business, tmp_path: Path) -> None:
        assert "No such file" in self.run(harbor, tmp_path / "none.csv")[1]
        path = write(tmp_path, "faqs.csv", MANAGED)
        assert "no-such-bot" in run("import_faqs", path, "--bot", "no-such-bot")[1]


class TestImportDocuments:
    def run(self, business: Business, *paths: Path) -> tuple[Any, str, int]:
        return run("import_documents", *paths, "--bot", business.bot.key)

    def test_a_folder_is_walked_and_the_same_again_changes_nothing(self, harbor: Business, tmp_path: Path) -> None:
        head = "---\ntitle: Boat rules\nurl: https://harbor.example/rules\nid: rules-1\n---\n"
        write(tmp_path, "docs/rules.md", f"{head}# Rules\n\nWear a life jacket.\n")
        write(tmp_path, "docs/deep/opening_hours.txt", "We open at nine.")
        write(tmp_path, "docs/picture.png", b"\x89PNG")
        assert self.run(harbor, tmp_path / "docs") == ({"created": 2, "updated": 0, "unchanged": 0, "bad": 0}, "", 0)
        assert self.run(harbor, tmp_path / "docs")[0] == {"created": 0, "updated": 0, "unchanged": 2, "bad": 0}
        write(tmp_path, "docs/deep/opening_hours.txt", "We open at ten.")
        assert self.run(harbor, tmp_path / "docs")[0] == {"created": 0, "updated": 1, "unchanged": 1, "bad": 0}
        with within(harbor.scope):
            found = {each.external_id: (each.title, each.url, each.revision) for each in Document.objects.all()}
        assert found == {
            "rules-1": ("Boat rules", "https://harbor.example/rules", 1),
            "deep/opening_hours.txt": ("opening hours", "", 2),
        }

    def test_what_cannot_be_imported_is_named_and_the_rest_is_imported(self, harbor: Business, tmp_path: Path) -> None:
        good, empty = write(tmp_path, "good.md", "# Good\n\nText."), write(tmp_path, "empty.md", b"")
        counts, said, code = self.run(harbor, good, empty, tmp_path / "missing.md")
        assert (counts, code) == ({"created": 1, "updated": 0, "unchanged": 0, "bad": 2}, 1)
        assert "empty.md" in said
        assert "missing.md" in said


class TestAskAndEvaluate:
    @pytest.fixture(autouse=True)
    def _knowing(self, harbor: Business, tmp_path: Path, settle: Any) -> None:
        rows = f"{MANAGED}jackets,{QUESTION},{ANSWER},,\n"
        assert run("import_faqs", write(tmp_path, "faqs.csv", rows), "--bot", harbor.bot.key)[2] == 0
        settle(harbor)

    def test_ask_prints_the_answer_event(self, harbor: Business) -> None:
        answer, said, code = run("ask", QUESTION, "--bot", harbor.bot.key)
        assert code == 0
        assert (answer["text"], answer["route"]) == (ANSWER, "faq")
        assert answer["citations"][0]["external_id"] == "jackets"
        conversation = said.split()[1].rstrip(",")
        again, said, _ = run("ask", QUESTION, "--bot", harbor.bot.key, "--conversation", conversation)
        assert again["text"] == ANSWER
        assert conversation in said

    def test_ask_says_what_was_wrong(self, harbor: Business, meridian: Business) -> None:
        bot = ("--bot", harbor.bot.key)
        foreign = run("ask", QUESTION, "--bot", meridian.bot.key)[1].split()[1].rstrip(",")
        for words, word in (
            (("", *bot), "Say something"),
            (("x" * 4001, *bot), "4,000"),
            ((QUESTION, "--bot", "no-such-bot"), "no-such-bot"),
            ((QUESTION, *bot, "--as", "a.b.c"), "identity token"),
            ((QUESTION, *bot, "--conversation", foreign), "no conversation"),
        ):
            printed, said, code = run("ask", *words)
            assert (printed, code) == (None, 1)
            assert word in said

    def test_evaluate_prints_the_figures_and_names_bad_rows(self, harbor: Business, tmp_path: Path) -> None:
        good = [
            {"question": QUESTION, "route": "faq", "faq": "jackets", "contains": "every boat"},
            {"question": "Which minister signed the treaty of Tordesillas?", "unanswerable": True},
        ]
        lines = [*map(json.dumps, good), "{broken", json.dumps({"route": "faq"})]
        path = write(tmp_path, "cases.jsonl", "\n".join(lines))
        figures, said, code = run("evaluate", path, "--bot", harbor.bot.key)
        assert {
            "n", "route_accuracy", "faq_accuracy", "document_hit@1", "document_hit@5", "contains", "answered",
            "refused_right", "refused_wrong", "p50_ms", "p95_ms",
        } <= set(figures)  # fmt: skip
        assert (figures["n"], figures["faq_accuracy"], figures["contains"]) == (2, 1.0, 1.0)
        assert code == 1
        assert "3" in said
        assert "4" in said
        path = write(tmp_path, "good.jsonl", "\n".join(lines[:2]))
        assert run("evaluate", path, "--bot", harbor.bot.key)[2] == 0
