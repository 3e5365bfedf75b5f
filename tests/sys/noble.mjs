// noble.mjs - signers of @noble/curves' ed25519_FROST for noble.test: a JSON
// request a line on stdin, a JSON reply a line on stdout.  Bytes are hex.
// Shares and nonces of the signers it plays stay in here.
import { createInterface } from "node:readline";
import { ed25519_FROST as frost } from "@noble/curves/ed25519.js";

const hex = (b) => Buffer.from(b).toString("hex");
const bytes = (s) => Uint8Array.from(Buffer.from(s, "hex"));
const ids = (list) => list.map((c) => ({
  identifier: frost.Identifier.fromNumber(c.id), hiding: bytes(c.hiding), binding: bytes(c.binding),
}));
const group = { verifyingShares: {} };
const secrets = new Map();
const nonces = new Map();

const commands = {
  // n, t, commitments (t points), shares [{id, x}], verifying [{id, y}]
  init(r) {
    group.signers = { min: r.t, max: r.n };
    group.commitments = r.commitments.map(bytes);
    for (const v of r.verifying) group.verifyingShares[frost.Identifier.fromNumber(v.id)] = bytes(v.y);
    for (const s of r.shares) {
      const secret = { identifier: frost.Identifier.fromNumber(s.id), signingShare: bytes(s.x) };
      frost.validateSecret(secret, group);
      secrets.set(s.id, secret);
    }
    return "";
  },
  commit(r) {
    const g = frost.commit(secrets.get(r.id));
    nonces.set(r.id, g.nonces);
    return `${hex(g.commitments.hiding)} ${hex(g.commitments.binding)}`;
  },
  sign: (r) => hex(frost.signShare(secrets.get(r.id), group, nonces.get(r.id), ids(r.list), bytes(r.msg))),
  check: (r) => frost.verifyShare(group, ids(r.list), bytes(r.msg), frost.Identifier.fromNumber(r.id), bytes(r.z)),
  aggregate(r) {
    const shares = {};
    for (const s of r.shares) shares[frost.Identifier.fromNumber(s.id)] = bytes(s.z);
    return hex(frost.aggregate(group, ids(r.list), bytes(r.msg), shares));
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  let reply;
  try {
    reply = { ok: String(commands[request.op](request)) };
  } catch (e) {
    reply = { error: String(e) };
  }
  process.stdout.write(JSON.stringify(reply) + "\n");
}
