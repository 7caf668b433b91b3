// Compiles contracts: node compile.cjs NODE_MODULES SOURCE_DIR OUT_DIR
// Writes OUT_DIR/<Contract>.json for every contract: {"contract", "source", "abi", "bytecode", "runtime", "immutables", "selectors", "storage"}.
// immutables: where each stands in the runtime code, which has 32 zero bytes there: {name: [offset in bytes, ...]}.
// Any warning of the compiler is an error. Nothing is written when a source does not compile. What the compiler said last is kept
// beside NODE_MODULES, so that other build folders with the same sources need not wait for it again.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');

const [modules, sourceDir, outDir] = process.argv.slice(2).map((p) => path.resolve(p));
if (!outDir) {
    console.error('usage: node compile.cjs NODE_MODULES SOURCE_DIR OUT_DIR');
    process.exit(2);
}
const solc = path.join(modules, 'solc');
const kept = path.join(modules, '..', 'solc-output.json');

// The compiler's answer to a request, kept under a hash of both.
function compiled(request) {
    const key = crypto.createHash('sha256').update(require(path.join(solc, 'package.json')).version).update(request).digest('hex');
    try {
        const last = JSON.parse(fs.readFileSync(kept, 'utf8'));
        if (last.key === key) return last.output;
    } catch (e) {} // none yet, or of another kind: it is made anew
    const output = JSON.parse(require(solc).compile(request));
    fs.writeFileSync(`${kept}.${process.pid}`, JSON.stringify({ key, output }));
    fs.renameSync(`${kept}.${process.pid}`, kept); // whole, also when several build at once
    return output;
}

const sources = {};
for (const folder of ['', 'test']) {
    for (const name of fs.readdirSync(path.join(sourceDir, folder)).sort()) {
        if (!name.endsWith('.sol')) continue;
        const unit = path.posix.join(folder, name);
        sources[unit] = { content: fs.readFileSync(path.join(sourceDir, unit), 'utf8') };
    }
}
const output = compiled(JSON.stringify({
    language: 'Solidity',
    sources,
    settings: {
        evmVersion: 'shanghai',
        viaIR: true,
        optimizer: { enabled: true, runs: 1000000 },
        metadata: { bytecodeHash: 'none', appendCBOR: false }, // the bytecode depends on nothing but the code
        outputSelection: { '*': { '': ['ast'], '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object',
            'evm.deployedBytecode.immutableReferences', 'evm.methodIdentifiers', 'storageLayout'] } },
    },
}));
// One test receiver destroys itself on purpose; the compiler's warning of that (1699) is the only one let pass.
const errors = (output.errors || []).filter((e) => !(e.errorCode === '1699' && e.sourceLocation.file.startsWith('test/')));
for (const e of errors) console.error(e.formattedMessage);
if (errors.length) process.exit(1);

// The compiler names immutables by numbers of its syntax tree.
function immutables(unit, contract, references) {
    const declared = output.sources[unit].ast.nodes.find((n) => n.name === contract).nodes;
    return Object.fromEntries(declared.filter((n) => references[n.id]).map((n) => [n.name, references[n.id].map((r) => r.start)]));
}

fs.mkdirSync(outDir, { recursive: true });
for (const [unit, contracts] of Object.entries(output.contracts)) {
    for (const [name, c] of Object.entries(contracts)) {
        if (!c.evm.bytecode.object || !c.abi.length) continue; // interfaces, and libraries without code of their own
        fs.writeFileSync(path.join(outDir, name + '.json'), JSON.stringify({
            contract: name,
            source: unit,
            abi: c.abi,
            bytecode: '0x' + c.evm.bytecode.object,
            runtime: '0x' + c.evm.deployedBytecode.object,
            immutables: immutables(unit, name, c.evm.deployedBytecode.immutableReferences),
            selectors: c.evm.methodIdentifiers,
            storage: (c.storageLayout.storage || []).map((v) => ({ label: v.label, slot: v.slot, type: v.type })),
        }, null, 1) + '\n');
    }
}
