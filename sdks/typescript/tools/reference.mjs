// Writes docs/reference-typescript.md from the comments of what the package exports.
//
//   node tools/reference.mjs [--check]
//
// The page is that of REFERENCE, or docs/reference-typescript.md of the repository. With --check it is not written: it fails if it is not
// what would be written. What has no comment fails too.

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const PAGE = process.env.REFERENCE ?? fileURLToPath(new URL("../../../docs/reference-typescript.md", import.meta.url));
const MODULES = [
  ["enginehouse", "src/index.ts"],
  ["enginehouse/testing", "src/testing/index.ts"],
];
const HEAD = `# Reference of the TypeScript package

Every class, function and type of \`enginehouse\`, made from their comments. [TypeScript in five minutes](quickstart-typescript.md) is where to begin; what fields mean is in [the HTTP API](http-api.md).
`;

const files = MODULES.map(([, path]) => fileURLToPath(new URL(`../${path}`, import.meta.url)));
const config = ts.getParsedCommandLineOfConfigFile(fileURLToPath(new URL("../tsconfig.json", import.meta.url)), {}, { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => {} });
const program = ts.createProgram(files, config.options);
const checker = program.getTypeChecker();
const missing = [];

/** The comment of a symbol, with links as names. None, if it is not for users. */
function commentOf(symbol, path) {
  const tags = symbol.getJsDocTags(checker);
  if (tags.some((tag) => tag.name === "internal")) return undefined;
  const parts = symbol.getDocumentationComment(checker);
  const text = parts.map((part) => (part.kind === "linkName" ? `\`${part.text}\`` : part.kind.startsWith("link") ? (part.kind === "linkText" ? part.text : "") : part.text)).join("");
  if (text === "") missing.push(path);
  return text;
}

const target = (symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol);
const inline = (text) => text.replace(/\s+/g, " ").trim();
const isHidden = (node) => (ts.getCombinedModifierFlags(node) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)) !== 0;

/** How a member is written down, without its body. */
function signatureOf(node) {
  const text = node.getText();
  const body = node.body ? text.slice(0, node.body.getStart() - node.getStart()) : text;
  const plain = body.replace(/^(?:(?:readonly|override|async|public|abstract) )+/, "").replace(/^get /, "").replace(/\s*=\s*[^=>][^]*$/, (end) => (ts.isPropertyDeclaration(node) ? "" : end));
  return inline(plain).replace(/[;{]$/, "").trim();
}

function membersOf(declaration, path) {
  const lines = [];
  const seen = new Set();
  for (const member of declaration.members ?? []) {
    if (isHidden(member)) continue;
    const isConstructor = ts.isConstructorDeclaration(member);
    const symbol = isConstructor ? member.symbol : checker.getSymbolAtLocation(member.name ?? member);
    const name = isConstructor ? "constructor" : symbol?.getName();
    // Of overloads, the ones before the last are what callers see.
    if (!symbol || name === "name" || (member.body && seen.has(name) && (symbol.declarations?.length ?? 0) > 1)) continue;
    const tags = ts.getJSDocTags(member).map((tag) => tag.tagName.text);
    if (tags.includes("internal")) {
      if (isConstructor) lines.push(...propertiesOf(member, path));
      continue;
    }
    seen.add(name);
    const own = ts.getJSDocCommentsAndTags(member).find(ts.isJSDoc);
    const text = own ? ts.getTextOfJSDocComment(own.comment) ?? "" : (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Override) || /^__@/.test(name) ? "" : (missing.push(`${path}.${name}`), "");
    lines.push(`- \`${signatureOf(member)}\`${text ? `: ${inline(text.replace(/```[^]*?```/g, "").replace(/\{@link ([^}]+)\}/g, "`$1`"))}` : ""}`);
    if (isConstructor) lines.push(...propertiesOf(member, path));
  }
  return lines;
}

/** Fields that a constructor declares as its parameters. */
function propertiesOf(constructor, path) {
  const own = constructor.parameters.filter((parameter) => ts.isParameterPropertyDeclaration(parameter, constructor) && !isHidden(parameter));
  return own.map((parameter) => {
    const text = inline(ts.displayPartsToString(checker.getSymbolAtLocation(parameter.name).getDocumentationComment(checker)));
    if (text === "" && !/override/.test(parameter.getText())) missing.push(`${path}.${parameter.name.getText()}`);
    return `- \`${signatureOf(parameter)}\`${text ? `: ${text}` : ""}`;
  });
}

function entry(exported) {
  const symbol = target(exported);
  const declaration = symbol.declarations?.[0];
  const name = exported.getName();
  const comment = commentOf(symbol, name);
  if (comment === undefined || !declaration) return "";
  const kind = ts.isClassDeclaration(declaration) ? "class" : ts.isFunctionDeclaration(declaration) ? "function" : ts.isVariableDeclaration(declaration) ? "const" : "type";
  const lines = [`### ${kind} \`${name}\``, "", comment.replace(/^```ts$/gm, "```typescript")];
  if (kind === "function") lines.push("", "```text", signatureOf(declaration).replace(/^export /, ""), "```");
  if (kind === "type" && ts.isTypeAliasDeclaration(declaration)) lines.push("", "```text", inline(declaration.type.getText()), "```");
  const base = declaration.heritageClauses?.find((clause) => clause.token === ts.SyntaxKind.ExtendsKeyword);
  if (base) lines.push("", `Extends ${base.types.map((type) => `\`${type.getText()}\``).join(", ")}.`);
  const members = membersOf(declaration, name);
  // The calls of the API are methods of what Client extends.
  if (name === "Client") {
    const calls = checker.getBaseTypes(checker.getDeclaredTypeOfSymbol(symbol))[0].symbol.declarations[0];
    members.push(...membersOf(calls, "Client"));
  }
  if (members.length > 0) lines.push("", ...members);
  return `${lines.join("\n")}\n`;
}

function page() {
  const parts = [HEAD];
  for (const [at, [module]] of MODULES.entries()) {
    const symbols = checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(files[at])));
    const problems = symbols.filter((symbol) => isProblemClass(symbol));
    parts.push(`## ${module}\n`);
    for (const symbol of symbols.filter((one) => !problems.includes(one))) parts.push(entry(symbol));
    if (problems.length > 0) {
      const lines = problems.map((symbol) => `- \`${symbol.getName()}\`: ${inline(commentOf(target(symbol), symbol.getName()) ?? "")}`);
      parts.push(`### Classes of problems\n\nEach extends \`Problem\`; [the pages of the codes](problems/README.md) say more.\n\n${lines.join("\n")}\n`);
    }
  }
  return parts.filter((part) => part !== "").join("\n");
}

function isProblemClass(symbol) {
  const file = target(symbol).declarations?.[0]?.getSourceFile().fileName;
  return file?.endsWith("generated/problems.ts") ?? false;
}

const text = page();
if (missing.length > 0) {
  console.error(`what is public has a comment; these have none: ${missing.join(", ")}`);
  process.exitCode = 1;
} else if (!process.argv.includes("--check")) {
  writeFileSync(PAGE, text);
} else if (readFileSync(PAGE, "utf8") !== text) {
  console.error(`${PAGE} is not that of the comments: run \`npm run reference\``);
  process.exitCode = 1;
}
