-- Terms come separated by spaces. `ascii` takes every character beyond ASCII as part of a term, so
-- that nothing is cut or folded here that is not in the text of this program. Where in a text a
-- term stands is not kept: the text tells.
CREATE VIRTUAL TABLE IF NOT EXISTS archive_terms USING fts5(
    terms, content='', contentless_delete=1, detail='none', tokenize="ascii tokenchars '=_-./'"
);
