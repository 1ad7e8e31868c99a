"""`python -m docs`: write all that is made of the code, in README, ARCHITECTURE and the reference."""

from docs import architecture, encoders_page, openapi_snapshot, reference_pages, sources_table

if __name__ == "__main__":
    reference_pages.write_pages()
    architecture.write()
    sources_table.write()
    encoders_page.write()
    openapi_snapshot.SNAPSHOT.write_text(openapi_snapshot.snapshot(), encoding="utf-8")
