"""The first page: lessons, models and keys, in each language; a script shows one of them."""

from __future__ import annotations

import shlex
from html import escape
from urllib.parse import quote

from rnnviz import explore, i18n
from rnnviz.analysis.model_list import ModelEntry, ModelListQuestion
from rnnviz.lessons import catalogue
from rnnviz.lookup import DEFAULTS
from rnnviz.tui.keymap import DEFAULT_KEYMAP, FOOTER, PAGE_KEYS, localized_key

_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{{policy}}">
<title>rnnviz</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{{app}}/style.css">
<script type="module" src="{{app}}/landing.js"></script>
</head>
<body class="landing">
"""


def landing_page() -> str:
    """The page; ``{{app}}`` and ``{{policy}}`` are filled in later."""
    models = [
        entry
        for entry in explore.explorer()(ModelListQuestion())
        if entry.origin == "shipped" and not entry.damage
    ]
    parts = "\n".join(_language_part(lang, models) for lang in i18n.LANGUAGES)
    return f"{_HEAD}{parts}\n</body>\n</html>\n"


def app_link(lang: str, *args: str) -> str:
    """The address of the app with a command line, relative to this page."""
    return "app.html?" + quote(shlex.join([*args, "--lang", lang]), safe="")


def _language_part(lang: str, models: list[ModelEntry]) -> str:
    def word(key: str, **values: object) -> str:
        return escape(i18n.text(f"web.{key}", lang, **values))

    default = DEFAULTS[lang == "tr"]
    choices = "".join(
        f'<option value="{escape(m.name)}" data-example="{escape(m.example)}"'
        f"{' selected' if m.name == default else ''}>{escape(m.name)}</option>"
        for m in models
    )
    example = next((m.example for m in models if m.name == default), "")
    return f"""<main lang="{lang}" hidden>
<header><h1>{word("title")}</h1><button type="button" class="language">{word("language")}</button>
</header>
<p>{word("about")}</p>
<form class="text">
<label>{word("sentence")} <input name="text" value="{escape(example)}" maxlength="2000"></label>
<label>{word("model")} <select name="model">{choices}</select></label>
<button>{word("open")}</button>
</form>
<h2>{word("lessons")}</h2><p>{word("lessons_about")}</p>
<ul class="lessons">{_lessons(lang)}</ul>
<h2>{word("models")}</h2>
<ul class="models">{"".join(_model(entry, lang) for entry in models)}</ul>
<h2>{word("keys")}</h2><p>{word("keys_about")}</p>
<dl>{_keys(lang)}</dl>
<h2>{word("command")}</h2><p>{word("command_about")}</p>
<form class="command">
<input name="line" value="{escape("step --view reach " + shlex.quote(example))}" maxlength="2000"
 autocapitalize="off" autocomplete="off" spellcheck="false">
<button>{word("open")}</button>
</form>
</main>"""


def _lessons(lang: str) -> str:
    return "\n".join(
        f'<li><a href="{app_link(lang, "lesson", lesson.id)}">{escape(lesson.title)}</a> '
        f"<small>{escape(i18n.text('web.minutes', lang, n=lesson.minutes))}</small> "
        f"<span>{escape(lesson.question)}</span></li>"
        for lesson in catalogue.lessons(lang)[0]
    )


def _model(entry: ModelEntry, lang: str) -> str:
    if entry.reads == "series":
        about = i18n.text("web.model_series", lang, net=entry.net)
    else:
        about = f"{entry.net}, {i18n.trained_on(entry.about, lang)}"
    link = app_link(lang, "step", "-m", entry.name)
    return f'<li><a href="{link}">{escape(entry.name)}</a> <span>{escape(about)}</span></li>\n'


def _keys(lang: str) -> str:
    rows = [
        (" ".join(localized_key(DEFAULT_KEYMAP[name].keys[0], lang) for name in names), label)
        for names, label in FOOTER
    ]
    texts = [(keys, i18n.text(label, lang)) for keys, label in rows]
    for page in PAGE_KEYS:
        action = DEFAULT_KEYMAP[f"page_{page}"]
        words = i18n.text("web.page_key", lang, text=DEFAULT_KEYMAP.words(action, lang))
        texts.append((localized_key(action.keys[0], lang), words))
    return "".join(
        f"<div><dt><kbd>{escape(keys)}</kbd></dt><dd>{escape(text)}</dd></div>"
        for keys, text in texts
    )
