"""The conversation: router, pipelines, streaming, handing over, inbox, widget API."""
