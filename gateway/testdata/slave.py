"""A Modbus TCP server for tests: units 1 to N, each with four writable holding registers that begin at zero.

usage: slave.py PORT N
"""
import sys

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server import StartTcpServer

port, units = int(sys.argv[1]), int(sys.argv[2])
slaves = {unit: ModbusSlaveContext(hr=ModbusSequentialDataBlock(0, [0] * 4), zero_mode=True) for unit in range(1, units + 1)}
StartTcpServer(context=ModbusServerContext(slaves=slaves, single=False), address=("127.0.0.1", port), allow_reuse_address=True)
