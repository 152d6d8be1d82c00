# SPDX-License-Identifier: Apache-2.0
"""What Pacemaker says about the site, as one director sees it."""
import xml.etree.ElementTree as xml


class Cluster:
    """One reading of crm_mon."""

    def __init__(self, lab, node):
        out = lab.execute(node, 'crm_mon', '-1', '-A', '--output-as=xml', check=False)
        try:
            self.root = xml.fromstring(out[out.index('<'):])
        except (xml.ParseError, ValueError):
            self.root = xml.Element('nothing')

    def online(self):
        """Nodes that can run the service."""
        return {n.get('name') for n in self.root.iterfind('nodes/node')
                if n.get('online') == 'true' and n.get('standby') == 'false' and n.get('pending') == 'false'}

    def running(self, resource):
        """Nodes on which the resource (of any clone or group) runs."""
        return {n.get('name') for r in self.root.iter('resource') if r.get('id') == resource and r.get('role') != 'Stopped'
                and r.get('failed') == 'false' for n in r.iterfind('node')}

    def attribute(self, node, name):
        for n in self.root.iterfind('node_attributes/node'):
            if n.get('name') == node:
                for a in n.iterfind('attribute'):
                    if a.get('name') == name:
                        return a.get('value')
        return None
