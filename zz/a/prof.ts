import { makeRig } from '../../test/support/proxy-rig.ts';
const rig = await makeRig('caddy');
try {
await rig.configure('import /etc/caddy/deploy-bg/*.caddy\n:8080 {\n\timport deploy-bg\n}\n');
await rig.router.prepare(rig.routes());
await rig.startProxy();
await new Promise(r=>setTimeout(r,1500));
for (const b of ['a','b','a','b','a','b']) { const t=performance.now(); await rig.router.apply(rig.routes('x-'+b, 'y-'+b)); console.log(b, performance.now()-t); }
const t=performance.now(); await rig.router.apply(rig.routes('x-b','y-b')); console.log('same', performance.now()-t);
const u=performance.now(); await rig.router.read(); console.log('read', performance.now()-u);
} finally { await rig.remove(); }
