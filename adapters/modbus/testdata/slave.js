// A Modbus server of modbus-serial (npm) for the tests: unit 1 with numbers of every kind in every order, written by Node's Buffer.
//
// usage: node slave.js MODULE PORT
const [, , path, port] = process.argv;
const { ServerTCP } = require(path);

const high = Buffer.alloc(40); // of one order, highest byte first
high.writeUInt16BE(12345, 0);
high.writeInt16BE(-1234, 2);
high.writeUInt32BE(0xcafebabe, 4);
high.writeInt32BE(-123456789, 8);
high.writeFloatBE(98765.4375, 12);
high.writeBigUInt64BE(0x0102030405060708n, 16);
high.writeBigInt64BE(-1234567890123456789n, 24);
high.writeDoubleBE(12345678.901234, 32);

const all = Buffer.alloc(160);
[[0, 2], [2, 2], [4, 4], [8, 4], [12, 4], [16, 8], [24, 8], [32, 8]].forEach(([at, size]) => {
  const value = high.subarray(at, at + size);
  const lowFirst = (b) => Buffer.from(b).swap16().reverse(); // registers the other way round, bytes in them as they were
  value.copy(all, at);
  lowFirst(value).copy(all, 40 + at);
  Buffer.from(value).swap16().copy(all, 80 + at);
  Buffer.from(value).reverse().copy(all, 120 + at);
});

const vector = {
  getHoldingRegister: (addr) => all.readUInt16BE(2 * addr),
  getInputRegister: (addr) => {
    if (addr >= 100) throw { modbusErrorCode: 2 }; // illegal data address
    return 257 * addr;
  },
  getCoil: (addr) => addr % 3 === 0,
  getDiscreteInput: (addr) => addr % 5 === 0,
};
new ServerTCP(vector, { host: "127.0.0.1", port: Number(port), unitID: 1 });
