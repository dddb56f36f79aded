"""A Modbus TCP server for TestPymodbus: units 1 and 7, both tables of registers as given, counted from zero.

usage: slave.py PORT REGISTER...
"""
import sys

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server import StartTcpServer

port = int(sys.argv[1])
registers = [int(r) for r in sys.argv[2:]]


def unit():
    block = ModbusSequentialDataBlock(0, registers)
    return ModbusSlaveContext(hr=block, ir=block, zero_mode=True)


StartTcpServer(context=ModbusServerContext(slaves={1: unit(), 7: unit()}, single=False), address=("127.0.0.1", port), allow_reuse_address=True)
