"""From the body of a request to nouns: schemas, jobs, revisions, scripts."""
