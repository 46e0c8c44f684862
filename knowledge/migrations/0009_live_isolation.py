"""Isolation of policies and of the trail of calls, which the database alone writes; what waits in calls."""

from django.db import migrations

from tenants.isolation import Isolate, Reference, resolver, to_group

# Until now no action changed anything, and no call waited. (Row-level security hides rows from an UPDATE here.)
FORMER = [
    "ALTER TABLE knowledge_action ALTER COLUMN only_reads TYPE boolean USING (method = 'POST')",
    "ALTER TABLE knowledge_call ALTER COLUMN state TYPE varchar(10) "
    "USING (CASE outcome WHEN 'ok' THEN 'done' ELSE 'failed' END)",
]
STATUS_ACTION = """
ALTER TABLE knowledge_action ADD CONSTRAINT knowledge_action_status_action_id_fk
FOREIGN KEY (group_id, status_action_id) REFERENCES knowledge_action (group_id, id)
ON DELETE SET NULL (status_action_id) DEFERRABLE INITIALLY DEFERRED
"""
DUE = resolver(
    "due_calls",
    "most integer",
    "group_id uuid, id uuid, conversation_group_id uuid",
    "SELECT c.group_id, c.id, c.conversation_group_id FROM knowledge_call c WHERE c.due_at < now() "
    "ORDER BY c.due_at LIMIT most",
)
# Each state that a call enters becomes a line, in the transaction that it is entered in.
KEEP = """
CREATE FUNCTION keep_call_record() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public AS $$ BEGIN
    IF TG_OP = 'INSERT' OR NEW.state IS DISTINCT FROM OLD.state THEN
        INSERT INTO knowledge_callrecord (id, group_id, at, call_id, state, action_name, method, conversation_id,
            customer_subject, made_by, arguments, outcome, status, duration_ms, approved_by)
        VALUES (gen_random_uuid(), NEW.group_id, clock_timestamp(), NEW.id, NEW.state, NEW.action_name, NEW.method,
            NEW.conversation_id, NEW.customer_subject, NEW.made_by, NEW.arguments, NEW.outcome, NEW.status,
            NEW.duration_ms, NEW.approved_by);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER keep_record AFTER INSERT OR UPDATE ON knowledge_call
FOR EACH ROW EXECUTE FUNCTION keep_call_record();
"""
# A line comes by the trigger above and goes with its bot. Both run inside another trigger, as the tables' owner.
GUARD = """
CREATE FUNCTION guard_call_records() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP IN ('UPDATE', 'TRUNCATE') OR pg_trigger_depth() < 2
        OR current_user <> (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID)
    THEN
        RAISE EXCEPTION 'The trail of calls cannot be written, changed or deleted by hand.'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER guard_rows BEFORE INSERT OR UPDATE OR DELETE ON knowledge_callrecord
FOR EACH ROW EXECUTE FUNCTION guard_call_records();
CREATE TRIGGER guard_table BEFORE TRUNCATE ON knowledge_callrecord
FOR EACH STATEMENT EXECUTE FUNCTION guard_call_records();
"""


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0008_live_actions")]

    operations = [
        Isolate(
            "ActionPolicy",
            to_group(),
            Reference(("group_id", "action_id"), "knowledge_action"),
            Reference(("group_id", "document_id"), "knowledge_document"),
        ),
        Isolate("CallRecord", to_group()),
        migrations.RunSQL([*FORMER, STATUS_ACTION, DUE, KEEP, GUARD]),
    ]
