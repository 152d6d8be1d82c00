# SPDX-License-Identifier: Apache-2.0
"""timeline.svg: what the client saw, one panel a side."""
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT = 1600, 120, 30
TITLE, PANEL = 84, 410
BIN = 0.2                                              # seconds of story in one column
INK, GREY, FAINT, FAILED = '#1f2933', '#7b8794', '#e4e7eb', '#d64545'
COLOURS = {'d1': '#2f6db5', 'd2': '#e08e2b', None: '#9aa5b1'}
TRANSFER = '#3f9142'


def draw(stories):
    """The whole picture as text; stories without a client's record are left out."""
    stories = [s for s in stories if s.begin]
    height = TITLE + PANEL * max(1, len(stories)) + 20
    longest = max((s.end - s.begin for s in stories), default=1)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
           'font-family="DejaVu Sans, Helvetica, Arial, sans-serif">',
           f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
           text(LEFT, 34, 'What the client saw', size=22, weight='bold'),
           text(LEFT, 58, 'A new HTTP request to the VIP every 20 ms, and one long TCP transfer through it. White: requests wait, and are answered late.', size=14, fill=GREY)]
    x = WIDTH - RIGHT - 530
    for colour, label in [(COLOURS['d1'], 'answered through d1'), (COLOURS['d2'], 'through d2'), (FAILED, 'lost'),
                          (TRANSFER, 'transfer flows')]:
        out.append(f'<rect x="{x}" y="18" width="13" height="13" rx="2" fill="{colour}"/>')
        out.append(text(x + 19, 29, label, size=13))
        x += 40 + 7.4 * len(label)
    for i, story in enumerate(stories):
        out += panel(story, TITLE + PANEL * i, longest)
    return '\n'.join([*out, '</svg>', ''])


def text(x, y, words, size=13, fill=INK, weight='normal', anchor='start', extra=''):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}" font-weight="{weight}" text-anchor="{anchor}"{extra}>'
            f'{escape(words)}</text>')


def panel(story, top, longest):
    """Phases, events, requests, holder of the VIP and transfer of one side, on one time axis."""
    begin, end = story.begin, story.end
    scale = (WIDTH - LEFT - RIGHT) / longest
    base, high = top + 290, 150                        # the requests' zero line and the height of 50 a second

    def x(when):
        return LEFT + (min(max(when, begin), end) - begin) * scale

    out = [text(LEFT, top + 16, f'{story.side.label}', size=16, weight='bold'),
           text(LEFT + 14 * len(story.side.label), top + 16, story.side.agents, size=13, fill=GREY)]
    for phase in story.phases:
        out.append(f'<rect x="{x(phase["begin"]):.1f}" y="{top + 28}" width="{x(phase["end"]) - x(phase["begin"]):.1f}" height="{base + 78 - top - 28}" '
                   'fill="#f5f7fa" rx="4"/>')
        out += heading(phase, x, top)
    for rate in 0, 25, 50:
        y = base - high * rate / 50
        out.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{x(end):.1f}" y2="{y:.1f}" stroke="{FAINT}"/>')
        out.append(text(LEFT - 10, y + 4, str(rate), size=12, fill=GREY, anchor='end'))
    out.append(text(LEFT - 10, base - high - 16, 'requests / s', size=12, fill=GREY, anchor='end'))
    out += columns(story, begin, end, x, base, high)
    out += strips(story, begin, end, x, base)
    out += events(story, x, top, base)
    out += axis(begin, end, x, base + 66)
    return out


def heading(phase, x, top):
    short = {1: 'rs dies', 2: 'file edit', 3: 'planned switch, and back', 4: 'power lost', 5: 'public link cut'}[phase['number']]
    left, width = x(phase['begin']) + 7, x(phase['end']) - x(phase['begin'])
    words = f'{phase["number"]} {short}'
    if len(words) * 7.4 > width:
        words = str(phase['number'])
    gap = [f'no answer for {phase["gap"]:.2f} s'] if phase['gap'] >= 0.2 else []
    if gap and (len(gap[0]) + 10) * 7 > width:
        gap = [f'{phase["gap"]:.2f} s']
    gap += [f'{phase["lost"]} lost'] if phase['lost'] else []
    gap = ', '.join(gap) or 'no gap'
    return [text(left, top + 46, words, size=13, weight='bold'),
            text(left, top + 63, gap, size=12, fill=TRANSFER if gap == 'no gap' else FAILED, weight='bold')]


def columns(story, begin, end, x, base, high):
    """Answers by the time they came, upwards, in the colour of the director that held the VIP; lost requests on top."""
    count = int((end - begin) / BIN) + 1
    good, lost = [0] * count, [0] * count
    for request in story.record.requests:
        i = int(((request.answered or request.sent) - begin) // BIN)
        if 0 <= i < count:
            (good if request.answered else lost)[i] += 1
    holders = holder_by_bin(story, begin, count)
    out, full = ['<g shape-rendering="crispEdges">'], 50 * BIN
    for i in range(count):
        left, right = x(begin + i * BIN), x(begin + (i + 1) * BIN)
        top = base
        for number, colour in (good[i], COLOURS[holders[i]]), (lost[i], FAILED):
            if abs(number - full) <= 1:
                number = full                          # one more or less is only where the columns' borders fall
            size = min(high * number / full, top - (base - 1.2 * high))
            if size > 0 and right > left:
                out.append(f'<rect x="{left:.2f}" y="{top - size:.1f}" width="{right - left + 0.5:.2f}" height="{size:.1f}" fill="{colour}"/>')
                top -= size
    return [*out, '</g>']


def holder_by_bin(story, begin, count):
    found = [None] * count
    for seen in story.record.seen:
        i = int((seen.time - begin) / BIN)
        if 0 <= i < count and seen.macs:
            found[i] = story.macs.get(seen.macs[0])
    for i in range(1, count):
        found[i] = found[i] or found[i - 1]
    return found


def strips(story, begin, end, x, base):
    """Two thin bars: who answered for the VIP, and when the transfer received bytes."""
    out = [text(LEFT - 10, base + 24, 'VIP on', size=12, fill=GREY, anchor='end'),
           text(LEFT - 10, base + 46, 'transfer', size=12, fill=GREY, anchor='end')]
    answers = [(s.time, story.macs.get(s.macs[0]) if len(s.macs) == 1 else None) for s in story.record.seen if s.macs]
    for who, a, b in runs(answers, 0.4):
        if who and b > begin:
            out.append(f'<rect x="{x(a):.1f}" y="{base + 13}" width="{max(x(b) - x(a), 0.8):.1f}" height="14" fill="{COLOURS[who]}"/>')
            if x(b) - x(a) > 40:
                out.append(text(x(a) + 6, base + 24.5, who, size=11, fill='#ffffff', weight='bold'))
    for who, a, b in runs([(p.time, p.number) for p in story.record.progress], 0.4):
        if b > begin:
            out.append(f'<rect x="{x(a):.1f}" y="{base + 35}" width="{max(x(b) - x(a), 0.8):.1f}" height="14" fill="{TRANSFER}"/>')
    for when, why in story.record.ended.values():
        out.append(text(x(when), base + 47, '✕', size=15, fill=FAILED, weight='bold', anchor='middle'))
    return out


def runs(points, pause):
    """(value, first, last) of stretches of equal values without a pause."""
    out = []
    for when, value in points:
        if out and out[-1][0] == value and when - out[-1][2] <= pause:
            out[-1][2] = when
        else:
            out.append([value, when, when])
    return out


def events(story, x, top, base):
    """A line down and a label for each event, in three rows so that neighbours do not overlap."""
    out, free = [], [0.0, 0.0, 0.0]
    for event in story.events:
        at, words = x(event['time']), event['text'].strip()
        row = min(range(3), key=lambda r: (free[r] > at, free[r] if free[r] > at else r))
        start = max(at, free[row])
        free[row] = start + 6.4 * len(words) + 14
        y = top + 82 + 17 * row
        out.append(f'<line x1="{at:.1f}" y1="{y - 4}" x2="{at:.1f}" y2="{base}" stroke="{INK}" stroke-width="1" stroke-dasharray="2 3" opacity="0.55"/>')
        out.append(f'<circle cx="{at:.1f}" cy="{y - 4}" r="2.4" fill="{INK}"/>')
        out.append(text(start + 6, y, words, size=11.5, extra=' paint-order="stroke" stroke="#f5f7fa" stroke-width="4"'))
    return out


def axis(begin, end, x, y):
    step = 10 if end - begin < 260 else 20
    return [text(x(begin + t), y, f'{t} s', size=11.5, fill=GREY, anchor='middle') for t in range(0, int(end - begin) + 1, step)]
