-- The passages of a large bot that lie nearest to a question, by the index of its own (see knowledge/large_bots.py).
--
-- The statement is put together for each call because only constants let the planner see that the index applies.
CREATE OR REPLACE FUNCTION nearest_passages(
    of_group uuid, in_space text, question halfvec, listed integer, breadth integer
) RETURNS uuid[] LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
AS $$
DECLARE
    nearest uuid[];
BEGIN
    PERFORM set_config('hnsw.ef_search', breadth::text, true), set_config('hnsw.iterative_scan', 'relaxed_order', true);
    EXECUTE format(
        'SELECT ARRAY(SELECT v.chunk_id FROM knowledge_chunkvector v WHERE v.group_id = %L AND v.space = %L '
        'ORDER BY v.embedding::halfvec(%s) <#> $1::halfvec(%3$s) LIMIT $2)',
        of_group, in_space, vector_dims(question)
    ) INTO nearest USING question, listed;
    RETURN nearest;
END $$;

-- The k best passages of some bots for a question: cosine plus a share of the normalised BM25 sum.
--
-- All passages are scored, except those of a large bot with an index of its own: of these the `listed` nearest and the
-- `listed` best worded are. Runs with the rights and the scope of its caller. Its plans are made once for each connection
-- and have to suit bots of every size, so their shape is given and not estimated: tables are read by index, sets are
-- joined by hashing, and what is wanted of a few rows is looked up (LATERAL with LIMIT 1), by its key. The
-- planner takes every bot for one of average size, so an index that begins with the bot and has no room for the rest of
-- the key would seem as good, and all of a large bot would be read for each row: neither chunks nor their vectors have
-- such an index. Vectors have length 1, so the inner product is the cosine.
CREATE OR REPLACE FUNCTION search_passages(
    groups uuid[], in_space text, question halfvec, terms text[], share float8, k integer, listed integer, with_tokens boolean
) RETURNS TABLE (
    group_id uuid, chunk_id uuid, document_id uuid, external_id varchar, title varchar, url varchar, dated date,
    revision integer, page integer, heading_path jsonb, kind varchar, passage text,
    score float8, cosine float8, lexical float8, tokens bytea
) LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_nestloop = off SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
    own record;
    large uuid[] := '{}';
    small uuid[] := groups;
    nearest uuid[];
    near uuid[] := '{}';
    near_groups uuid[] := '{}';
    total float8;
BEGIN
    FOR own IN
        SELECT o.group_id, o.breadth FROM knowledge_ownindex o
        WHERE o.group_id = ANY (groups) AND o.space = in_space AND o.usable
    LOOP
        large := large || own.group_id;
        small := array_remove(small, own.group_id);
        nearest := nearest_passages(own.group_id, in_space, question, listed, own.breadth);
        near := near || nearest;
        near_groups := near_groups || array_fill(own.group_id, ARRAY[cardinality(nearest)]);
    END LOOP;
    SELECT count(*) INTO total FROM knowledge_chunkvector v WHERE v.group_id = ANY (groups) AND v.space = in_space;
    RETURN QUERY
    WITH found AS MATERIALIZED (
        SELECT p.group_id, p.term, p.chunk_id, p.weight FROM knowledge_posting p
        WHERE p.group_id = ANY (groups) AND p.term = ANY (terms)
    ), rarity AS MATERIALIZED (
        SELECT f.term, ln(1 + (greatest(total - count(*), 0) + 0.5) / (count(*) + 0.5)) AS idf
        FROM found f GROUP BY f.term
    ), mass AS (
        -- Terms that no passage holds are part of the question too.
        SELECT coalesce(sum(idf), 0) + (cardinality(terms) - count(*)) * ln(1 + (total + 0.5) / 0.5) AS idf FROM rarity
    ), worded AS MATERIALIZED (
        SELECT f.group_id, f.chunk_id, sum(f.weight * r.idf) / (SELECT sqrt(greatest(idf, 1e-6)) FROM mass) AS lexical
        FROM found f JOIN rarity r ON r.term = f.term GROUP BY f.group_id, f.chunk_id
    ), listed_passage AS (
        SELECT n.group_id, n.chunk_id FROM unnest(near_groups, near) AS n (group_id, chunk_id)
        UNION (
            SELECT w.group_id, w.chunk_id FROM worded w WHERE w.group_id = ANY (large)
            ORDER BY w.lexical DESC LIMIT listed
        )
    ), candidate AS (
        SELECT v.group_id, v.chunk_id, -(v.embedding <#> question) AS cosine
        FROM knowledge_chunkvector v WHERE v.group_id = ANY (small) AND v.space = in_space
        UNION ALL
        SELECT v.group_id, v.chunk_id, -(v.embedding <#> question)
        FROM listed_passage l CROSS JOIN LATERAL (
            SELECT * FROM knowledge_chunkvector v
            WHERE v.group_id = l.group_id AND v.chunk_id = l.chunk_id AND v.space = in_space LIMIT 1
        ) v
    ), best AS MATERIALIZED (
        SELECT c.group_id, c.chunk_id, c.cosine, coalesce(w.lexical, 0) AS lexical,
            c.cosine + share * coalesce(w.lexical, 0) AS score
        FROM candidate c LEFT JOIN worded w ON w.chunk_id = c.chunk_id ORDER BY score DESC, c.chunk_id LIMIT k
    )
    SELECT c.group_id, c.id, d.id, d.external_id, d.title, d.url, d.dated,
        c.revision, c.page, c.heading_path, c.kind, c.text, b.score, b.cosine, b.lexical,
        coalesce(t.tokens, ''::bytea)
    FROM best b
    CROSS JOIN LATERAL (
        SELECT * FROM knowledge_chunk c WHERE c.group_id = b.group_id AND c.id = b.chunk_id LIMIT 1
    ) c
    CROSS JOIN LATERAL (
        SELECT * FROM knowledge_document d WHERE d.group_id = c.group_id AND d.id = c.document_id LIMIT 1
    ) d
    LEFT JOIN LATERAL (
        SELECT v.tokens FROM knowledge_vector v
        WHERE with_tokens AND v.group_id = c.group_id AND v.space = in_space AND v.content_hash = c.content_hash LIMIT 1
    ) t ON true
    ORDER BY b.score DESC, c.id;
END $$;
