# SPDX-License-Identifier: Apache-2.0
"""Floods a process group of Corosync with garbage: cpgflood.py GROUP BYTES SECONDS; prints what was sent and refused."""
import ctypes
import os
import sys
import time

group, size, seconds = sys.argv[1].encode(), int(sys.argv[2]), float(sys.argv[3])
cpg = ctypes.CDLL("libcpg.so.4")


class Name(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint32), ("value", ctypes.c_char * 128)]


class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


DELIVER = ctypes.CFUNCTYPE(None, ctypes.c_uint64, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_size_t)
CHANGE = ctypes.CFUNCTYPE(None, ctypes.c_uint64, *[ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_void_p, ctypes.c_size_t] * 2)


class Callbacks(ctypes.Structure):
    _fields_ = [("deliver", DELIVER), ("change", CHANGE)]


handle = ctypes.c_uint64()
callbacks = Callbacks(DELIVER(lambda *_: None), CHANGE(lambda *_: None))
assert cpg.cpg_initialize(ctypes.byref(handle), ctypes.byref(callbacks)) == 1
name = Name(len(group), group)
assert cpg.cpg_join(handle, ctypes.byref(name)) == 1
sent = refused = 0
end = time.monotonic() + seconds
while time.monotonic() < end:
    # The beginning of a real message now and then, and noise.
    noise = (bytes.fromhex("565256420100") if sent % 3 == 0 else b"") + os.urandom(min(size, 4096))
    data = ctypes.create_string_buffer((noise * (size // len(noise) + 1))[:size], size)
    vector = Vector(ctypes.addressof(data), size)
    result = cpg.cpg_mcast_joined(handle, 2, ctypes.byref(vector), 1)
    cpg.cpg_dispatch(handle, 2)
    if result == 1:
        sent += 1
    else:
        refused += 1
        time.sleep(0.001)
cpg.cpg_finalize(handle)
print(sent, refused)
