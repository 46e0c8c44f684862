-- The k best passages of some bots for a question: cosine plus a share of the normalised BM25 sum.
--
-- Runs with the rights and the scope of its caller. Its plans are made once for each connection and have to suit bots of
-- every size, so their shape is given and not estimated: tables are read by index, sets are joined by hashing, and what is
-- wanted of a few rows is looked up (LATERAL with LIMIT 1). Vectors have length 1, so the inner product is the cosine.
CREATE OR REPLACE FUNCTION search_passages(
    groups uuid[], in_space text, question halfvec, terms text[], share float8, k integer
) RETURNS TABLE (
    group_id uuid, chunk_id uuid, document_id uuid, external_id varchar, title varchar, url varchar, dated date,
    revision integer, page integer, heading_path jsonb, kind varchar, passage text,
    score float8, cosine float8, lexical float8
) LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_nestloop = off SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
    total float8;
BEGIN
    SELECT count(*) INTO total FROM knowledge_chunkvector v WHERE v.group_id = ANY (groups) AND v.space = in_space;
    RETURN QUERY
    WITH found AS MATERIALIZED (
        SELECT p.term, p.chunk_id, p.weight FROM knowledge_posting p
        WHERE p.group_id = ANY (groups) AND p.term = ANY (terms)
    ), rarity AS MATERIALIZED (
        SELECT f.term, ln(1 + (greatest(total - count(*), 0) + 0.5) / (count(*) + 0.5)) AS idf
        FROM found f GROUP BY f.term
    ), mass AS (
        -- Terms that no passage holds are part of the question too.
        SELECT coalesce(sum(idf), 0) + (cardinality(terms) - count(*)) * ln(1 + (total + 0.5) / 0.5) AS idf FROM rarity
    ), worded AS MATERIALIZED (
        SELECT f.chunk_id, sum(f.weight * r.idf) / (SELECT sqrt(greatest(idf, 1e-6)) FROM mass) AS lexical
        FROM found f JOIN rarity r ON r.term = f.term GROUP BY f.chunk_id
    ), scored AS (
        SELECT v.chunk_id, -(v.embedding <#> question) AS cosine, coalesce(w.lexical, 0) AS lexical
        FROM knowledge_chunkvector v LEFT JOIN worded w ON w.chunk_id = v.chunk_id
        WHERE v.group_id = ANY (groups) AND v.space = in_space
    ), best AS MATERIALIZED (
        SELECT *, cosine + share * lexical AS score FROM scored ORDER BY score DESC, chunk_id LIMIT k
    )
    SELECT c.group_id, c.id, d.id, d.external_id, d.title, d.url, d.dated,
        c.revision, c.page, c.heading_path, c.kind, c.text, b.score, b.cosine, b.lexical
    FROM best b
    CROSS JOIN LATERAL (
        SELECT * FROM knowledge_chunk c WHERE c.group_id = ANY (groups) AND c.id = b.chunk_id LIMIT 1
    ) c
    CROSS JOIN LATERAL (
        SELECT * FROM knowledge_document d WHERE d.group_id = c.group_id AND d.id = c.document_id LIMIT 1
    ) d
    ORDER BY b.score DESC, c.id;
END $$;
