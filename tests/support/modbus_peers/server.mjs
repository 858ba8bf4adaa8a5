// A Modbus TCP server on modbus-serial. Prints "ready <port>"; ends with its standard input.
import { createServer } from "node:net";
import modbus from "modbus-serial";

const written = new Map();
const value = (address) => written.get(address) ?? (address * 40503) & 0xffff;
const vector = {
  getHoldingRegister: (address) => {
    if (address >= 400) throw Object.assign(new Error("hole"), { modbusErrorCode: 2 });
    return value(address);
  },
  getInputRegister: (address) => (address * 40503) & 0xffff,
  getCoil: (address) => address % 3 === 0,
  setRegister: (address, number) => written.set(address, number),
};
const probe = createServer().listen(0, "127.0.0.1", () => {
  const { port } = probe.address();
  probe.close(() => {
    const server = new modbus.ServerTCP(vector, { host: "127.0.0.1", port, unitID: 255 });
    server.on("initialized", () => console.log(`ready ${port}`));
  });
});
process.stdin.on("end", () => process.exit(0)).resume();
