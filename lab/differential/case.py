# SPDX-License-Identifier: Apache-2.0
"""One configuration of the corpus, with what happens to its servers and how the two programs may differ.

A case is an ldirectord.cf. Lines that begin with "#:" tell the rest; those after a "then" belong to what follows it:

  #: title TEXT                       what it is about
  #: server ADDRESS PORT|* STATE      before the start; states: see lab/lib/realservers.py, and "gone" (a black hole, for ADDRESS * only)
  #: ipvsadm ARGUMENTS                before the start, in both tables
  #: file NAME                        before the start, in @DIR@
  #: settle SECONDS                   how long both tables must stay as they are (4)
  #: then server … | ipvsadm … | file NAME | remove NAME | edit s/OLD/NEW/ | append LINE | hup | wait | stop
                                      edit and append change the configuration, hup makes both read it
  #: then same …                      the tables are the same afterwards as before (they must differ otherwise)
  #: verdict Qn TEXT                  a difference is meant here: the numbered verdict, or for RELAX and REJECT its section
  #: perl LINE    #: ours LINE        a line that only this one has, as printed for a difference; all differences must be listed
  #: perl refuses LINE-NUMBER         exit status 2 and this line in the message; the other one starts, unless it refuses as well
  #: ours refuses LINE-NUMBER
  #: both refuse LINE-NUMBER          no difference: same status, same line

Every step that is not listed first ends with "stop". @DIR@ is a folder of the case, @HERE@ this folder.
"""
import re


class Step:
    def __init__(self, action):
        self.actions, self.same, self.verdict, self.perl, self.ours, self.settle = action.split('; ') if action else [], False, None, [], [], None


class Case:
    def __init__(self, path):
        self.name = path.rsplit('/', 1)[-1].removesuffix('.cf')
        self.text = open(path, newline='').read()
        self.title, self.refused, self.settle = '', {}, 4.0
        self.steps = [Step(None)]
        for number, line in enumerate(self.text.splitlines(), 1):
            if line.startswith('#:'):
                try:
                    self.read(*(line[2:].strip() + ' ').split(' ', 1))
                except (ValueError, IndexError) as problem:
                    raise SystemExit(f'{path}:{number}: {problem or line}')
        # The programs see these lines as bare comments: an edit must not find its own text in them.
        self.text = re.sub(r'^#:.*$', '#', self.text, flags=re.M)
        if not any(a.startswith('stop') for s in self.steps for a in s.actions):
            self.steps.append(Step('stop'))
            self.steps[-1].same = None

    def read(self, word, rest):
        rest, step = rest.strip(), self.steps[-1]
        if word == 'title': self.title = rest
        elif word in ('server', 'ipvsadm', 'file') and len(self.steps) == 1: step.actions.append(f'{word} {rest}')
        elif word in ('server', 'ipvsadm', 'file', 'remove', 'edit', 'append', 'hup', 'wait'): step.actions.append(f'{word} {rest}')
        elif word == 'settle':
            step.settle = float(rest)
            if len(self.steps) == 1: self.settle = float(rest)
        elif word == 'then':
            same = rest.startswith('same')
            step = Step(rest.removeprefix('same').strip())
            step.same = same or (None if rest == 'stop' else False)
            self.steps.append(step)
        elif word == 'verdict':
            if not re.match(r'(Q\d\d?|A\d\d|\d\.\d(\.\d)?) \w', rest): raise ValueError('a verdict is "Qn TEXT" or "SECTION TEXT"')
            step.verdict = rest
        elif word in ('perl', 'ours', 'both') and rest.startswith('refuse'): self.refused[word] = int(rest.split()[1])
        elif word == 'perl': step.perl.append(rest)
        elif word == 'ours': step.ours.append(rest)
        else: raise ValueError(f'what is "{word}"?')
