import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"];

/** A CA whose files lie in a folder of its own, made as docs/tls.md has it. */
export class TestCa {
  constructor(folder = mkdtempSync(join(tmpdir(), "enginehouse-tls-"))) {
    this.folder = folder;
    const extensions = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"].flatMap((one) => ["-addext", one]);
    this.openssl("req", "-x509", ...EC, "-days", "2", "-keyout", this.path("ca.key"), "-out", this.path("ca.pem"), "-subj", "/CN=Test CA", ...extensions);
  }

  /** Writes NAME.pem and NAME.key for what has these names. */
  sign(name, names) {
    const [cert, key, request, extensions] = ["pem", "key", "csr", "ext"].map((ending) => this.path(`${name}.${ending}`));
    writeFileSync(extensions, `subjectAltName=${names}\n`);
    this.openssl("req", ...EC, "-keyout", key, "-out", request, "-subj", `/CN=${name}`);
    const ca = ["-CA", this.path("ca.pem"), "-CAkey", this.path("ca.key"), "-CAcreateserial"];
    this.openssl("x509", "-req", "-in", request, ...ca, "-days", "2", "-extfile", extensions, "-out", cert);
    return { cert, key };
  }

  /** Writes a file that its owner alone can read. */
  write(name, text) {
    writeFileSync(this.path(name), text, { mode: 0o600 });
    return this.path(name);
  }

  read(name) {
    return readFileSync(this.path(name), "utf8");
  }

  path(name) {
    return join(this.folder, name);
  }

  delete() {
    rmSync(this.folder, { recursive: true });
  }

  openssl(...given) {
    execFileSync("openssl", given, { stdio: ["ignore", "pipe", "pipe"] });
  }
}
