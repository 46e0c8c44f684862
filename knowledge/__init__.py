"""What a bot knows: FAQs, documents, chunks, data APIs; parsing, embedding, indexing, search."""
