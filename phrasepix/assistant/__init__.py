"""Tools for assistants (Model Context Protocol): searching, looking, saving and crediting over a finder that stays."""
