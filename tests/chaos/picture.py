"""What a play looked like: a timeline (SVG) of who was cut from whom and who was behind, and a report (Markdown) around it."""

import html
import pathlib

from scenario import describe

LEFT, WIDTH, RIGHT, ROW, BAR, GAP = 130, 900, 20, 26, 12, 12  # pixels
CHART, HEAD = 170, 56
ISLANDS = ("#e8eaed", "#9cc3e6", "#f5c78e", "#b7d7a8", "#d5b8e0", "#f2b8b5", "#c9c9a0", "#a8dadc", "#e0c3a8", "#cdd3ff")
COLOURS = {"kill": "#c0392b", "freeze": "#2471a3", "power-cut": "#17202a", "disk-full": "#7d6608", "clock": "#8e44ad",
           "crash-loop": "#d35400", "rpc": "#148f77", "rate": "#7f8c8d", "delay": "#b9770e", "loss": "#f1948a", "cut-one-way": "#a93226",
           "node-restart": "#c0392b", "reorg": "#6c3483"}
SIDES = {"east": "#1f77b4", "west": "#d95f02"}
PARTS = ("partition", "flap")


class Picture:
    def __init__(self, play, measure):
        self.play, self.scene, self.scenario, self.out = play, play.scene, play.scenario, []
        self.behind = measure.behind()
        self.end = max(self.behind[-1][0], play.samples[-1][0] if play.samples else 0)
        self.faults = [(number, fault, fault.began - play.zero, max(fault.ended, fault.began) - play.zero)
                       for number, fault in enumerate(play.faults, 1)]
        self.linked = {frozenset(pair) for pair in self.scene.pairs()}
        self.top = {}

    def x(self, at):
        return LEFT + WIDTH * at / self.end

    def add(self, text):
        self.out.append(text)

    def text(self, x, y, words, size=11, anchor="start", colour="#222", more=""):
        self.add(f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}" {more}>{html.escape(str(words))}</text>')

    def rect(self, x, y, width, height, colour, more="", tip=""):
        self.add(f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1.5):.1f}" height="{height}" fill="{colour}" {more}>'
                 f"<title>{html.escape(tip)}</title></rect>")

    # ---- islands: who could reach whom

    def cut_at(self, at):
        """Pairs of relays between which nothing passed."""
        return {frozenset((a, b)) for _, fault, begin, end in self.faults if fault.kind in PARTS and begin <= at < end
                for a in fault.sides[0] for b in fault.sides[1]}

    def islands(self, at):
        """{relay: number of its island}; the largest island is 0."""
        cut, left, found = self.cut_at(at), list(self.scene.relays), []
        while left:
            island, edge = [left.pop(0)], 0
            while edge < len(island):
                here = [other for other in left if frozenset((island[edge], other)) in self.linked - cut]
                left = [other for other in left if other not in here]
                island, edge = island + here, edge + 1
            found.append(island)
        found.sort(key=len, reverse=True)
        return {relay: number for number, island in enumerate(found) for relay in island}

    def spans(self):
        """[(from, to, islands)], as long as they last."""
        changes = sorted({0.0, self.end} | {at for _, fault, *ends in self.faults if fault.kind in PARTS for at in ends})
        return [(a, b, self.islands(a)) for a, b in zip(changes, changes[1:])]

    # ---- parts of the picture

    def rows(self):
        y, zone = HEAD, None
        for relay in self.scene.relays:
            if self.scene.zone(relay) != zone:
                zone = self.scene.zone(relay)
                y += 16
                self.text(6, y - 4, f"zone {zone}", 11, more='font-weight="bold"')
            self.top[relay] = y
            y += ROW
        for chain in sorted(self.scene.chains):
            if any(f"node-{chain}" in fault.hosts for _, fault, *_ in self.faults):
                self.top[f"node-{chain}"] = y + GAP
                y += ROW + GAP
        return y

    def relays(self):
        for relay, y in self.top.items():
            self.text(LEFT - 6, y + BAR - 2, relay, 11, "end")
        for begin, end, islands in self.spans():
            for relay, island in islands.items():
                self.rect(self.x(begin), self.top[relay], self.x(end) - self.x(begin), BAR, ISLANDS[island % len(ISLANDS)],
                          tip=f"{relay}: island {island + 1}" if max(islands.values()) else f"{relay}: all links up")

    def bars(self):
        shown = {}
        for number, fault, begin, end in self.faults:
            label = False
            for host in fault.hosts:
                if host not in self.top or fault.kind in PARTS:
                    continue
                y = self.top[host]
                thin = fault.kind in ("loss", "rate", "delay", "cut-one-way")
                self.rect(self.x(begin), y + (BAR - 4 if thin else 0), self.x(end) - self.x(begin), 4 if thin else BAR,
                          COLOURS[fault.kind], 'opacity="0.85"', f"{number}: {describe(fault.one)}")
                label = label or shown.setdefault((host, round(self.x(begin) / 14)), number) != number
                if not thin and self.x(end) - self.x(begin) > 14:
                    self.text(self.x(begin) + 3, y + BAR - 2, number, 10, colour="#fff")
            if fault.kind in PARTS or fault.kind in ("loss", "rate", "delay", "cut-one-way"):
                host = next((h for h in fault.hosts if h in self.top), None)
                if host:
                    self.text(self.x(begin) + 2, self.top[host] + BAR - 3, number, 9, colour="#333", more='font-weight="bold"')

    def lag(self):
        """Under each relay's bar: how many certified messages others knew of and it did not."""
        rows = []
        for at, marks in self.play.samples:
            best = {}
            for mine in marks.values():
                for key, mark in mine.items():
                    best[key] = max(best.get(key, 0), mark)
            rows.append((at, {relay: sum(best[key] - mine.get(key, 0) for key in best if key[1] == "message") if mine else None
                              for relay, mine in ((r, marks.get(r)) for r in self.scene.relays)}))
        most = max([1] + [lag for _, lags in rows for lag in lags.values() if lag])
        for relay in self.scene.relays:
            base, points = self.top[relay] + ROW - 2, []
            for at, lags in rows:
                height = 0 if lags[relay] is None else (ROW - BAR - 4) * (lags[relay] / most) ** 0.5  # so that small ones are seen
                points.append(f"{self.x(at):.1f},{base - height:.1f}")
            if points:
                first, last = points[0].split(",")[0], points[-1].split(",")[0]
                self.add(f'<polygon points="{first},{base} {" ".join(points)} {last},{base}" fill="#5d6d7e"><title>{relay}: behind by '
                         f"at most {max([0] + [lags[relay] or 0 for _, lags in rows])}</title></polygon>")
        return most

    def chart(self, y, lag_most):
        most = max([1] + [behind for _, by_side in self.behind for behind in by_side.values()])
        base = y + CHART
        self.text(6, y - 8, "messages sent and not delivered yet, by where they were sent", 12, more='font-weight="bold"')
        for part in range(5):
            line = base - CHART * part / 4
            self.add(f'<line x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{line:.1f}" y2="{line:.1f}" stroke="#ddd"/>')
            self.text(LEFT - 6, line + 4, round(most * part / 4), 10, "end")
        for number, fault, begin, end in self.faults:
            for at in {begin, end}:
                self.add(f'<line x1="{self.x(at):.1f}" x2="{self.x(at):.1f}" y1="{y}" y2="{base}" stroke="#bbb" stroke-dasharray="2,3"/>')
        for side, colour in SIDES.items():
            points = " ".join(f"{self.x(at):.1f},{base - CHART * by_side.get(side, 0) / most:.1f}" for at, by_side in self.behind)
            self.add(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
        for i, (side, colour) in enumerate(SIDES.items()):
            self.rect(LEFT + 12 + 90 * i, y + 4, 10, 10, colour)
            self.text(LEFT + 26 + 90 * i, y + 13, f"from {side}", 11)
        return self.axis(base)

    def axis(self, base):
        step = next(step for step in (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 86400) if self.end / step <= 16)
        for at in range(0, int(self.end) + 1, step):
            self.text(self.x(at), base + 15, f"{at} s", 10, "middle")
        return base + 26

    def legend(self, y, lag_most):
        used = [kind for kind in COLOURS if any(fault.kind == kind for _, fault, *_ in self.faults)]
        x = 6
        self.rect(x, y - 9, 10, 10, "#5d6d7e")
        self.text(x + 14, y, f"behind (full height: {lag_most} messages; a quarter of them: half of it)", 11)
        x += 370
        for kind in used:
            self.rect(x, y - 9, 10, 10, COLOURS[kind])
            self.text(x + 14, y, kind, 11)
            x += 28 + 7 * len(kind)
            if x > LEFT + WIDTH - 120:
                x, y = 6, y + 18
        if any(fault.kind in PARTS for _, fault, *_ in self.faults):
            self.text(x, y, "bars of one colour at one time: one island;", 11)
            for i in range(4):
                self.rect(x + 245 + 16 * i, y - 9, 14, 10, ISLANDS[i])
        return y

    def svg(self):
        bottom = self.rows()
        self.relays()
        self.bars()
        lag_most = self.lag()
        bottom = self.chart(bottom + 44, lag_most)
        bottom = self.legend(bottom + 16, lag_most)
        height, width = bottom + 14, LEFT + WIDTH + RIGHT
        verdict = "ok" if self.play.result["ok"] else "NOT OK"
        head = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
                'font-family="DejaVu Sans, Helvetica, Arial, sans-serif">',
                f'<rect width="{width}" height="{height}" fill="#fff"/>',
                f'<text x="6" y="20" font-size="15" font-weight="bold">{html.escape(self.scenario.name)}: {verdict}</text>',
                f'<text x="6" y="38" font-size="11" fill="#444">{html.escape(self.scenario.about)}</text>']
        return "\n".join([*head, *self.out, "</svg>"]) + "\n"

    def markdown(self, svg_name):
        result = self.play.result
        rows = [("relays, zones", f"{result['relays']}, {result['zones']}"), ("sent", result["sent"]), ("delivered", result["delivered"]),
                ("settled", result["settled"]), ("lost", result["lost"]), ("twice", result["duplicates"]),
                ("out of order", result["out_of_order"]), ("unproven", result["unproven"]),
                ("longest stall of a lane", f"{result['longest_stall_ms']} ms"),
                ("complete after the last heal", f"{result['complete_after_ms']} ms"), ("seconds", result["seconds"])]
        out = [f"# {self.scenario.name}: {'ok' if result['ok'] else 'NOT OK'}", "", self.scenario.about, "", f"![timeline]({svg_name})", "",
               "| | |", "|---|---|", *[f"| {key} | {value} |" for key, value in rows], ""]
        out += [f"- WRONG: {line}" for line in result["wrong"]] + ([""] if result["wrong"] else [])
        out += ["| | fault | from | to |", "|---|---|---|---|"]
        out += [f"| {number} | {describe(fault.one).replace('|', '—')} | {begin:.1f} s | {end:.1f} s |" for number, fault, begin, end in self.faults]
        out += ["", "The scenario:", "", "```", self.scenario.text.rstrip(), "```", ""]
        return "\n".join(out)


def write(play, measure, path):
    """FILE and its picture beside it, FILE with .svg."""
    path, picture = pathlib.Path(path), Picture(play, measure)
    drawn = path.with_suffix(".svg")
    drawn.write_text(picture.svg())
    path.write_text(picture.markdown(drawn.name))
