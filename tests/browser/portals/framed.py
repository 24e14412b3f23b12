"""Türmeister 300: a frameset of 1999 in German, tables for layout, labels that belong to no field.

The form is in a frame, the menu in another, both in ISO 8859-1. A script asks whether settings shall really
be changed. A refused value has red text in its row. Further contacts and callers have five fields each.
Log-in by Basic. Events are a table in the frame, which loads itself again.
"""

import re
from types import MappingProxyType

from tests.browser.portals.small_web import Portal, Reply, escaped, look_at

KIND = "text/html; charset=iso-8859-1"
ROWS = 5
YES_NO = ("Ja", "Nein")
PORT = "Zahl von 1 bis 65535"
WORD = "nur Buchstaben und Ziffern"
FIELDS = (
    ("Telefonie", "aktiv", "SIP einschalten", YES_NO),
    ("Anmeldung", "regaddr", "Registrar-Adresse", "text"),
    ("Anmeldung", "regport", "Registrar-Port", "text"),
    ("Anmeldung", "regtime", "Prüfen alle (s)", "text"),
    ("Anmeldung", "proto", "Übertragung", ("UDP", "TCP", "TLS")),
    ("Anmeldung", "cafile", "CA-Zertifikat", "file"),
    ("Anmeldung", "benutzer", "Benutzername", "text"),
    ("Anmeldung", "kennwort", "Kennwort", "password"),
    ("Anmeldung", "nst", "Nebenstelle", "text"),
    ("Anmeldung", "anzeige", "Anzeigename", "text"),
    ("Ruf", "ziel1", "Rufziel", "text"),
    *(("Ruf", f"ziel{n}", f"Ersatzziel {n - 1}", "text") for n in range(2, 2 + ROWS)),
    ("Ruf", "rufzeit", "Rufdauer (s)", "text"),
    ("Ruf", "mikro", "Mikrofon (%)", "text"),
    ("Ruf", "laut", "Lautsprecher (%)", "text"),
    ("Ruf", "bild", "Bild", ("aus", "gehend", "kommend", "beide")),
    ("Ruf", "srtp", "Verschlüsselung", ("aus", "bevorzugt", "Pflicht")),
    ("Zugang", "annahme", "Anrufe annehmen", YES_NO),
    *(("Zugang", f"erlaubt{n}", f"Erlaubt {n}", "text") for n in range(1, 1 + ROWS)),
    ("Proxy", "pxaddr", "Adresse", "text"),
    ("Proxy", "pxport", "Port", "text"),
    ("Proxy", "pxuser", "Benutzername", "text"),
    ("Proxy", "pxkenn", "Kennwort", "password"),
)
"""Section, name, label, and kind or choices of each row."""
STYLE = (
    "<style>body,td,th{font-family:Verdana,'DejaVu Sans',sans-serif;font-size:12px}a{color:#003399}"
    "th{background:#003399;color:white;text-align:left}h2{font-size:16px;color:#003399}"
    "input,select{font-size:12px}</style>"
)


def fault(name, value, given):
    """Return what is wrong with a value, if anything is."""
    if re.fullmatch(r"ziel[2-9]|erlaubt\d", name) and not value:
        return ""
    if re.fullmatch(r"ziel\d|erlaubt\d", name):
        return "" if re.fullmatch(r"(sip:)?[A-Za-z0-9]+(@[A-Za-z0-9.:-]+)?", value) else "keine Rufnummer"
    if name == "regport" or (name == "pxport" and given["pxaddr"]):
        return "" if value.isdecimal() and 1 <= int(value) <= 65535 else PORT
    if name in ("regtime", "rufzeit"):
        most = 86400 if name == "regtime" else 600
        return "" if value.isdecimal() and 1 <= int(value) <= most else f"Zahl von 1 bis {most}"
    if name in ("mikro", "laut"):
        return "" if value.isdecimal() and int(value) <= 100 else "Zahl von 0 bis 100"
    if name in ("benutzer", "nst") or (name == "pxuser" and given["pxaddr"]):
        return "" if re.fullmatch("[A-Za-z0-9]+", value) else WORD
    if name == "regaddr" or (name == "pxaddr" and value):
        number, address = re.fullmatch(r"[\d.]*", value), re.fullmatch(r"(\d{1,3}\.){3}\d{1,3}", value)
        good = address or (not number and re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", value))
        return "" if good else "weder Adresse noch Name"
    return "darf nicht leer sein" if name == "kennwort" and not value else ""


class Framed(Portal):
    """The portal of a Türmeister 300."""

    account, password, charset = "service", "4711", "iso-8859-1"
    first = MappingProxyType(
        dict.fromkeys((name for _, name, *_ in FIELDS), "")
        | {"aktiv": "Nein", "regport": "5060", "regtime": "3600", "proto": "UDP", "rufzeit": "30"}
        | {"mikro": "50", "laut": "50", "bild": "aus", "srtp": "aus", "annahme": "Ja"}
    )

    def answer(self, request):
        if (refused := self.by_basic(request, "Tuermeister")) is not None:
            return refused
        pages = {
            "/": self._frames,
            "/menu.htm": self._menu,
            "/start.htm": self._start,
            "/log.htm": self._events,
        }
        if request.path == "/sip.htm":
            return self._sip(request)
        if request.path not in pages:
            return self._html("Fehler", "<h2>Seite nicht gefunden</h2>")
        return pages[request.path]()

    def _html(self, title, body, head=""):
        head = f"<head><title>{title}</title>{head}{STYLE}</head>"
        return Reply(f"<html>{head}<body bgcolor=#ffffff>{body}</body></html>", kind=KIND)

    def _frames(self):
        return Reply(
            '<html><head><title>Türmeister 300</title></head><frameset cols="170,*" border=1>'
            '<frame name=menu src="/menu.htm"><frame name=inhalt src="/start.htm"></frameset></html>',
            kind=KIND,
        )

    def _menu(self):
        links = {"start": "Übersicht", "sip": "SIP-Telefonie", "log": "Ereignisse"}
        rows = "".join(
            f'<tr><td>&#9632; <a href="/{to}.htm" target=inhalt>{name}</a></td></tr>'
            for to, name in links.items()
        )
        return self._html("Menü", f"<h2>Türmeister</h2><table cellpadding=4>{rows}</table>")

    def _start(self):
        return self._html("Übersicht", "<h2>Übersicht</h2><p>Tür: verriegelt<p>Softwarestand 3.07c")

    def _sip(self, request):
        if request.method != "POST":
            return self._form(self.kept, {})
        self.submissions += 1
        given = {**self.kept, **request.form}
        for name in ("kennwort", "pxkenn"):  # left empty: as it was
            given[name] = given[name] or self.kept[name]
        filename, content = request.files.get("cafile", ("", b""))
        wrong = {name: told for name, value in given.items() if (told := fault(name, value, given))}
        if filename and not re.search(r"\.(pem|cer|crt)$", filename, re.IGNORECASE):
            wrong["cafile"] = "nur .pem, .cer, .crt"
        elif filename:
            given["cafile"] = content.decode("ascii", "replace")
        if wrong:
            return self._form(given, wrong)
        if not given["pxaddr"]:
            given |= {"pxport": "", "pxuser": "", "pxkenn": ""}
        self.kept = given
        again = '<p><a href="/sip.htm">Zurück</a>'
        return self._html("SIP", f"<h2>SIP-Telefonie</h2><b>Einstellungen übernommen.</b>{again}")

    def _form(self, values, wrong):
        rows, at = [], ""
        for section, name, label, kind in FIELDS:
            if section != at:
                rows.append(f"<tr><th colspan=3>{section}</th></tr>")
                at = section
            told = f"<font color=#cc0000>{escaped(wrong[name])}</font>" if name in wrong else ""
            control = self._control(name, kind, values[name])
            rows.append(f"<tr><td>{label}</td><td>{control}</td><td>{told}</td></tr>")
        ask = "return confirm('Einstellungen wirklich ändern?')"
        return self._html(
            "SIP",
            f'<h2>SIP-Telefonie</h2><form method=post enctype=multipart/form-data onsubmit="{ask}">'
            f"<table border=0 cellpadding=3>{''.join(rows)}</table>"
            '<p><input type=submit value="Übernehmen"> <input type=reset value="Verwerfen"></form>',
        )

    @staticmethod
    def _control(name, kind, value):
        if isinstance(kind, tuple):
            options = "".join(f"<option{' selected' if one == value else ''}>{one}</option>" for one in kind)
            return f"<select name={name}>{options}</select>"
        shown = "" if kind in ("password", "file") else f' value="{escaped(value)}"'
        return f"<input type={kind} size=32 name={name}{shown}>"

    def _events(self):
        rows = "".join(
            f"<tr><td>{one.at:%d.%m.%Y %H:%M:%S}</td><td>{escaped(one.screen)}</td>"
            f"<td><tt>{escaped(one.name)}</tt> {escaped(one.details)}</td></tr>"
            for one in reversed(self.log[-50:])
        )
        head = "<tr><th>Zeit</th><th>Anzeige</th><th>Meldung</th></tr>"
        table = f"<table border=1 cellpadding=3>{head}{rows}</table>"
        again = "<meta http-equiv=refresh content=5>"
        return self._html("Ereignisse", f"<h2>Ereignisse</h2>{table}", again)


if __name__ == "__main__":
    look_at(Framed)
