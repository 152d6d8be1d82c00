# SPDX-License-Identifier: Apache-2.0
"""relay-probe.py SECONDS - how long an attribute takes from this director to the other one and to be seen there, through Pacemaker."""
import os, subprocess, sys, time
end = time.monotonic() + float(sys.argv[1])
ages, lost, number = [], 0, 0
other = 'd2' if os.uname().nodename == 'd1' else 'd1'
while time.monotonic() < end:
    number += 1
    began = time.monotonic()
    subprocess.run(['attrd_updater', '-n', 'relay-probe', '-U', str(number), '-d', '0', '-N', other], stdout=subprocess.DEVNULL, check=False)
    while time.monotonic() < began + 5:
        answer = subprocess.run(['attrd_updater', '-n', 'relay-probe', '-Q', '-N', other], stdout=subprocess.PIPE, text=True, check=False).stdout
        if f'value="{number}"' in answer:
            ages.append(time.monotonic() - began)
            break
    else:
        lost += 1
    time.sleep(0.1)
ages.sort()
print(f'{len(ages)} attributes, median {ages[len(ages) // 2]:.3f} longest {ages[-1]:.3f} lost {lost}' if ages else f'0 attributes, longest 9 lost {lost}')
