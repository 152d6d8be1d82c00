# SPDX-License-Identifier: Apache-2.0
"""The two sides that play the same story: this project's agents, and Debian's."""
import os

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLES = os.path.normpath(f'{HERE}/../../crm-examples')
CONFIG = '/etc/ha.d/ldirectord.cf'


def text(path):
    with open(path) as file:
        return file.read()


class Ours:
    key, label = 'ours', 'Vervet'
    agents = 'ocf:vervet:{IPaddr2,ldirectord,syncd,heartbeat}'
    crm = [f'{EXAMPLES}/nat.crm', f'{EXAMPLES}/fencing-lab.crm']
    clones = ['p-ldirectord', 'p-syncd', 'p-heartbeat']
    link_watched = True

    def __init__(self, install):
        self.lab_options = ['--install', install]

    def prepare(self, lab, node):
        """Files that a director needs before its cluster resources start; again after a boot, which forgets everything."""
        lab.write(node, CONFIG, text(f'{EXAMPLES}/ldirectord-nat.cf'))
        lab.write(node, '/etc/default/sync-ldirectord', 'PEERS="10.77.1.11 10.77.1.12"\n')

    def joined(self, lab, node):
        """What is done by hand on a director that has joined: nothing."""


class Peers:
    """Debian's agents at their defaults, arranged as nat.crm arranges ours: services on both directors, addresses in a group.

    They have no agent for the sync daemons, so these are started by hand on both directors, both roles, as the old
    how-tos do, with the kernel's default threshold; otherwise no transfer would survive. The same ldirectord.cf.
    """
    key, label = 'peers', 'Debian'
    agents = 'ocf:heartbeat:{IPaddr2,ldirectord}'
    crm = [f'{HERE}/peers.crm', f'{EXAMPLES}/fencing-lab.crm']
    clones = ['p-ldirectord']
    link_watched = False
    lab_options = []

    def prepare(self, lab, node):
        lab.write(node, CONFIG, text(f'{EXAMPLES}/ldirectord-nat.cf'))

    def joined(self, lab, node):
        for role in 'master', 'backup':
            lab.execute(node, 'ipvsadm', '--start-daemon', role, '--mcast-interface', 'eth1', '--syncid', '7')
