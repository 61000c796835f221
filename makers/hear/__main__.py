"""Write a page to try the part that hears: ``python -m makers.hear``, then open ``build/hear/index.html``."""

from makers import execute, files, hear

PAGE = """<!doctype html>
<html lang="en" data-theme="light">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>The part that hears</title>
<style>
html {{ --pst-color-background: #fff; --pst-color-surface: #f3f4f5; --pst-color-text-base: #222832;
  --pst-color-text-muted: #48566b; --pst-color-border: #c9c9c9; --pst-color-primary: #0a7d91;
  --pst-color-primary-text: #fff; }}
html[data-theme="dark"] {{ --pst-color-background: #14181e; --pst-color-surface: #222832;
  --pst-color-text-base: #ced6dd; --pst-color-text-muted: #9ca4af; --pst-color-border: #48566b;
  --pst-color-primary: #3fb1c5; --pst-color-primary-text: #000; color-scheme: dark; }}
body {{ margin: 0 auto; padding: 1rem; max-width: 75rem; font: 1rem/1.5 system-ui, sans-serif;
  background: var(--pst-color-background); color: var(--pst-color-text-base); }}
</style>
</head>
<body>
<main>
<h1>What does it hear?</h1>
{fragment}
<p><button onclick="const at = document.documentElement.dataset; at.theme = at.theme === 'dark' ? 'light' : 'dark'"
>Light or dark</button></p>
</main>
</body>
</html>
"""


def main() -> None:
    """Write the page."""
    folder = execute.BUILD / "hear"
    files.write(folder / "index.html", PAGE.format(fragment=hear.write(folder, "")))
    print(folder / "index.html")


if __name__ == "__main__":
    main()
