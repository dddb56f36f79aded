"""A Modbus server of pymodbus for the tests.

usage: slave.py PORT REGISTER...   Modbus TCP; units 1 and 7, both tables of registers as given, counted from zero
       slave.py values tcp PORT    unit 1 with numbers of every kind in every order, written by pymodbus's own encoder
       slave.py values rtu DEVICE  the same on a serial port at 9600 baud
"""
import sys

from pymodbus.constants import Endian
from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.payload import BinaryPayloadBuilder
from pymodbus.server import StartSerialServer, StartTcpServer
from pymodbus.transaction import ModbusRtuFramer


def simple(registers):
    block = ModbusSequentialDataBlock(0, registers)
    return ModbusSlaveContext(hr=block, ir=block, zero_mode=True)


def values():
    """The layout that the Go side reads: see layout in slaves_test.go."""
    registers = []
    for byte, word in ((Endian.Big, Endian.Big), (Endian.Big, Endian.Little), (Endian.Little, Endian.Big), (Endian.Little, Endian.Little)):
        b = BinaryPayloadBuilder(byteorder=byte, wordorder=word)
        b.add_16bit_uint(12345)
        b.add_16bit_int(-1234)
        b.add_32bit_uint(0xCAFEBABE)
        b.add_32bit_int(-123456789)
        b.add_32bit_float(98765.4375)
        b.add_64bit_uint(0x0102030405060708)
        b.add_64bit_int(-1234567890123456789)
        b.add_64bit_float(12345678.901234)
        registers += b.to_registers()
    return ModbusSlaveContext(
        hr=ModbusSequentialDataBlock(0, registers),
        ir=ModbusSequentialDataBlock(0, [257 * i for i in range(100)]),
        co=ModbusSequentialDataBlock(0, [i % 3 == 0 for i in range(40)]),
        di=ModbusSequentialDataBlock(0, [i % 5 == 0 for i in range(40)]),
        zero_mode=True,
    )


if sys.argv[1] == "values":
    context = ModbusServerContext(slaves={1: values()}, single=False)
    if sys.argv[2] == "rtu":
        StartSerialServer(context=context, framer=ModbusRtuFramer, port=sys.argv[3], baudrate=9600, timeout=0.05, ignore_missing_slaves=True)
    else:
        StartTcpServer(context=context, address=("127.0.0.1", int(sys.argv[3])), allow_reuse_address=True)
else:
    registers = [int(r) for r in sys.argv[2:]]
    context = ModbusServerContext(slaves={1: simple(registers), 7: simple(registers)}, single=False)
    StartTcpServer(context=context, address=("127.0.0.1", int(sys.argv[1])), allow_reuse_address=True)
