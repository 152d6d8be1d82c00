# SPDX-License-Identifier: Apache-2.0
"""The figures of the stories as one table, one list of verdicts and one JSON file."""
import json, os

PLUG_LIMIT, LINK_LIMIT, STANDBY_SHARE = 4.0, 3.0, 0.5


def phase_of(story, number):
    return next((p for p in story.phases if p['number'] == number), None)


def make(stories, log):
    """Everything, as plain values."""
    sides = {}
    for story in stories:
        zero = story.begin
        sides[story.side.key] = {
            'label': story.side.label, 'agents': story.side.agents, 'seconds': round(story.end - zero, 1) if zero else None,
            'problems': story.problems,
            'events': [{'at': round(e['time'] - zero, 2), 'what': e['text'].strip()} for e in story.events],
            'phases': [figures(p, zero) for p in story.phases],
        }
    return {'schema': 1, 'sides': sides, 'verdicts': verdicts(stories),
            'machine': {'cpus': os.cpu_count(), 'load_before': round(log.load, 2)}, 'seconds': round(log.elapsed(), 1)}


def figures(phase, zero):
    out = {'number': phase['number'], 'name': phase['name'], 'began_at': round(phase['begin'] - zero, 2),
           'ended_at': round(phase['end'] - zero, 2), 'no_answer_s': round(phase['gap'], 3), 'requests_lost': phase['lost'],
           'requests_answered': phase['answered'], 'transfer_survived': phase['survived'],
           'transfer_longest_pause_s': round(phase['transfer_pause'], 3), 'vip_on_both': phase['both']}
    for key in 'left_after', 'returned_after', 'applied_after', 'copied_after', 'peer_applied_after':
        if key in phase:
            out[f'{key}_s'] = round(phase[key], 2)
    if 'gaps' in phase:
        out['gaps_s'] = [round(g, 3) for g in phase['gaps']]
    if 'moved' in phase:
        out['moved'] = phase['moved']
    return out


def verdicts(stories):
    """What must be true of our side; the peers' side is only measured."""
    ours = next((s for s in stories if s.side.key == 'ours'), None)
    peers = next((s for s in stories if s.side.key == 'peers'), None)
    out = []

    def verdict(met, text):
        out.append({'met': bool(met), 'text': text})

    if ours is None:
        return out
    verdict(not ours.problems, 'the story went as it should' if not ours.problems else f'the story: {"; ".join(ours.problems)}')
    if (mine := phase_of(ours, 3)) and peers and (theirs := phase_of(peers, 3)):
        verdict(mine['gap'] < STANDBY_SHARE * theirs['gap'],
                f'planned switch: {mine["gap"]:.2f} s, less than half of {theirs["gap"]:.2f} s')
    if mine := phase_of(ours, 4):
        verdict(mine['gap'] < PLUG_LIMIT, f'power lost: {mine["gap"]:.2f} s, under {PLUG_LIMIT:.0f} s')
    if mine := phase_of(ours, 5):
        verdict(mine['gap'] < LINK_LIMIT, f'public link cut: {mine["gap"]:.2f} s, under {LINK_LIMIT:.0f} s')
    verdict(ours.phases and all(p['survived'] for p in ours.phases), 'the long transfer survived all of it')
    verdict(not any(p['both'] for p in ours.phases), 'the VIP was never answered by both directors')
    return out


def cells(side, number):
    phase = next((p for p in side['phases'] if p['number'] == number), None) if side else None
    if phase is None:
        return ['', '', '']
    gap = f'{phase["no_answer_s"]:.2f} s'
    if phase.get('moved') is False:
        gap = f'never ({phase["no_answer_s"]:.1f} s)'
    if 'gaps_s' in phase:
        gap = ' / '.join(f'{g:.2f}' for g in phase['gaps_s']) + ' s'
    return [gap, str(phase['requests_lost']), 'survived' if phase['transfer_survived'] else 'lost']


def ratio(result, number):
    found = [next((p for p in side['phases'] if p['number'] == number), None) for side in result['sides'].values()]
    if len(found) < 2 or None in found or not found[0]['no_answer_s']:
        return ''
    return f'{found[1]["no_answer_s"] / found[0]["no_answer_s"]:.1f} x'


def table(result):
    """One line a phase: how long no answer came to new requests, how many were lost, what became of the transfer."""
    sides = list(result['sides'].values())
    numbers = sorted({(p['number'], p['name']) for side in sides for p in side['phases']})
    rows = [['', *(text for side in sides for text in [f'{side["label"]}: no answer for', 'lost', 'transfer']),
             *(['Debian / Vervet'] if len(sides) > 1 else [])]]
    for number, name in numbers:
        rows.append([f'{number} {name}', *(c for side in sides for c in cells(side, number)),
                     *([ratio(result, number)] if len(sides) > 1 else [])])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ['  '.join(c.ljust(w) if i in (0, *range(3, len(widths), 3)) else c.rjust(w)
                       for i, (c, w) in enumerate(zip(row, widths))).rstrip() for row in rows]
    rule = '-' * max(map(len, lines))
    return '\n'.join([rule, lines[0], rule, *lines[1:], rule])


def write(result, path):
    with open(path, 'w') as file:
        json.dump(result, file, indent=2)
        file.write('\n')
