import { makeRig, } from '../../test/support/proxy-rig.ts';
import { proxyEngine } from '../../test/support/proxy-engine.ts';
import { writeSlots, readSlots, slotTable } from '../../src/adapters/proxy/caddy/slots.ts';
import { writeWhole } from '../../src/adapters/proxy/files.ts';
const rig = await makeRig('caddy');
const T = async (n, f) => { const t=performance.now(); await f(); console.log(n, (performance.now()-t).toFixed(1)); };
try {
await rig.configure('import /etc/caddy/deploy-bg/*.caddy\n:8080 {\n\timport deploy-bg\n}\n');
await rig.router.prepare(rig.routes());
await rig.startProxy();
await new Promise(r=>setTimeout(r,1500));
for (let i=0;i<4;i++) {
await T('inspect', () => proxyEngine.proxyContainer(rig.project, 'proxy'));
await T('writeSlots', () => writeSlots(rig.output, slotTable(rig.routes('x-'+i, 'y-'+i))));
await T('readSlots', () => readSlots(rig.output));
await T('read', () => rig.router.read());
await T('same', () => rig.router.apply(rig.routes('x-'+i,'y-'+i)));
}
} finally { await rig.remove(); }
