import { describe, expect, it } from "vitest";
import { compared, only, places } from "./compared.ts";

const shadow = (day: number, password = "*"): string =>
  `root:*:19000:0:99999:7:::\napp:${password}:${day}:0:99999:7:::\n`;

describe("accounts", () => {
  it("have the day of the last change", async () => {
    expect(await only("etc/shadow", shadow(20783), shadow(20784))).toMatchObject({
      place: "app > sp_lstchg",
      grade: "clock",
      natures: ["time"],
      facts: { file: "shadow", dayA: "20783", dayB: "20784" },
    });
    expect(await only("etc/shadow-", shadow(20783), shadow(20784))).toMatchObject({ format: "accounts" });
  });

  it("have passwords, of which only the state is said", async () => {
    const [hash, other] = ["$y$j9T$abcdefgh$0123456789", "$y$j9T$zyxwvuts$9876543210"];
    expect(await only("etc/shadow", shadow(1, hash), shadow(1, other))).toMatchObject({
      place: "app > sp_pwdp",
      grade: "privilege",
      a: "a hash (yescrypt)",
      b: "a hash (yescrypt), another one",
      natures: ["random"],
    });
    expect(await only("etc/shadow", shadow(1, "!"), shadow(1, ""))).toMatchObject({
      grade: "privilege",
      facts: { stateA: "locked", stateB: "none" },
    });
    expect(JSON.stringify(await compared("etc/shadow", shadow(1, hash), shadow(1, other)))).not.toMatch(
      /0123456789|zyxw/,
    );
  });

  it("give rights: ids, shells and members", async () => {
    const a = "root:x:0:0:root:/root:/bin/sh\napp:x:100:101::/app:/usr/sbin/nologin\n";
    const b = "root:x:0:0:root:/root:/bin/sh\napp:x:0:101::/srv:/bin/sh\nnew:x:1:1::/:/bin/sh\n";
    expect(await places("etc/passwd", a, b)).toEqual([
      "app > pw_uid: privilege",
      "app > pw_dir: content",
      "app > pw_shell: privilege",
      "new > presence: privilege",
    ]);
    expect(await places("etc/group", "sudo:x:27:\n", "sudo:x:27:app\n")).toEqual(["sudo > gr_mem: privilege"]);
    expect(await only("etc/group", "adm:x:4:a,b\n", "adm:x:4:b,a\n")).toMatchObject({
      grade: "cosmetic",
      natures: ["order"],
    });
  });

  it("may be in another order, which means nothing as long as none is there twice", async () => {
    const [x, y] = ["a:x:1:1::/:/bin/a\n", "b:x:2:2::/:/bin/b\n"];
    expect(await only("etc/passwd", x + y, y + x)).toMatchObject({ place: "order", grade: "cosmetic" });
    const twice = await compared("etc/passwd", `${x}${y}a:x:0:0::/:/bin/sh\n`, `a:x:0:0::/:/bin/sh\n${x}${y}`);
    expect(twice.unread).toEqual(["it cannot be followed as accounts: an account is there twice"]);
    expect(twice.findings).toMatchObject([{ format: "text", place: "order", grade: "content" }]);
  });
});
