/** What Java's tools write: jars, Maven, javadoc, key stores, Jib. */
import type { Script } from "../real/pairs.ts";

const later = "[ $SIDE = a ] || sleep 2.1";
const sources = `
mkdir -p project/src/main/java/x
printf 'package x;\\n/** An app. */\\npublic class App {\\n  /** Starts. */\\n  public static void main(String[] args) { System.out.println("hi"); }\\n}\\n' > project/src/main/java/x/App.java
`;
const pom = (properties: string): string => `${sources}
printf '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>x</groupId><artifactId>app</artifactId><version>1.0</version><properties><maven.compiler.source>17</maven.compiler.source><maven.compiler.target>17</maven.compiler.target><project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>${properties}</properties><build><plugins><plugin><groupId>org.apache.maven.plugins</groupId><artifactId>maven-jar-plugin</artifactId><version>2.6</version></plugin><plugin><groupId>com.google.cloud.tools</groupId><artifactId>jib-maven-plugin</artifactId><version>3.4.6</version></plugin></plugins></build></project>' > project/pom.xml
m() { (cd project && mvn -q -B "-Dmaven.repo.local=$KIT/maven" -Dmaven.test.skip=true "$@"); }
`;

export const javaScripts: readonly Script[] = [
  {
    cause: "T17",
    what: "jar of classes that were compiled at two times",
    needs: ["javac", "jar"],
    both: `${sources}${later}; javac -d classes project/src/main/java/x/App.java; jar --create --file tree/app/app.jar -C classes .`,
  },
  {
    cause: "O1",
    what: "jar of files in another order",
    needs: ["javac", "jar"],
    both: `${sources}javac -d classes project/src/main/java/x/App.java; for i in 1 2 3; do echo "k=$i" > classes/$i.properties; done; touch -d @1704067200 classes/* classes/x/*; cd classes; jar --create --date 2024-01-01T00:00:00Z --file ../tree/app/app.jar $([ $SIDE = a ] && echo x/App.class 1.properties 2.properties 3.properties || echo 3.properties 1.properties x/App.class 2.properties); cd ..`,
  },
  {
    cause: "E2",
    or: ["E8"],
    what: "Maven writes the name of the user into the manifest",
    needs: ["mvn", "zip"],
    both: `${pom("")}m package -Duser.name=$([ $SIDE = a ] && echo alice || echo builder); mkdir x; cd x; unzip -q ../project/target/app-1.0.jar; rm META-INF/maven/x/app/pom.properties; find . -exec touch -d @1704067200 {} +; TZ=UTC zip -q -X -r ../tree/app/app.jar META-INF x; cd ..`,
  },
  {
    cause: "T17",
    or: ["T13", "T11"],
    what: "Maven with an older plugin makes a jar at two times",
    needs: ["mvn"],
    both: `${later}; ${pom("")}m package; cp project/target/app-1.0.jar tree/app/app.jar`,
  },
  {
    cause: "T13",
    or: ["T11"],
    what: "java.util.Properties writes the date as a comment",
    needs: ["javac", "java"],
    both: `${later}; printf 'import java.io.*; import java.util.*; class W { public static void main(String[] a) throws Exception { Properties p = new Properties(); p.setProperty("mode", "prod"); p.setProperty("port", "80"); p.store(new FileWriter("tree/app/app.properties"), null); } }' > W.java; javac W.java; java -cp . W`,
  },
  {
    cause: "T13",
    or: ["T11"],
    what: "javadoc writes when it ran",
    needs: ["javadoc"],
    both: `${sources}${later}; javadoc -quiet -d tree/app/doc project/src/main/java/x/App.java 2>/dev/null; find tree/app/doc -name '*.zip' -delete`,
  },
  {
    cause: "T16",
    what: "keytool imports a certificate into a key store of the old kind",
    needs: ["keytool", "openssl"],
    both: `${later}; c=$(find /usr/share/ca-certificates -name '*.crt' | LC_ALL=C sort | head -1); keytool -importcert -noprompt -trustcacerts -alias first -file "$c" -storetype JKS -keystore tree/app/cacerts -storepass changeit >/dev/null 2>&1`,
  },
  {
    cause: "T16",
    or: ["E10"],
    what: "keytool imports a certificate into a PKCS 12 store",
    needs: ["keytool"],
    both: `${later}; c=$(find /usr/share/ca-certificates -name '*.crt' | LC_ALL=C sort | head -1); keytool -importcert -noprompt -trustcacerts -alias first -file "$c" -keystore tree/app/cacerts.p12 -storetype PKCS12 -storepass changeit >/dev/null 2>&1`,
  },
  {
    cause: "T8",
    what: "Jib writes images with the time of the build",
    needs: ["mvn"],
    name: "project/target/jib-image.tar",
    both: `${later}; ${pom("")}m compile jib:buildTar -Djib.from.image=scratch -Djib.to.image=x/app -Djib.container.creationTime=USE_CURRENT_TIMESTAMP`,
  },
  {
    cause: "none",
    what: "Jib builds the same image at two times",
    needs: ["mvn"],
    name: "project/target/jib-image.tar",
    both: `${later}; ${pom("")}m compile jib:buildTar -Djib.from.image=scratch -Djib.to.image=x/app`,
  },
  {
    cause: "settings",
    what: "Jib is given another flag for the JVM",
    needs: ["mvn"],
    name: "project/target/jib-image.tar",
    both: `${pom("")}m compile jib:buildTar -Djib.from.image=scratch -Djib.to.image=x/app -Djib.container.jvmFlags=-Xmx$([ $SIDE = a ] && echo 256m || echo 512m)`,
  },
  {
    cause: "source",
    what: "Jib builds another version of a class",
    needs: ["mvn"],
    name: "project/target/jib-image.tar",
    both: `${pom("")}[ $SIDE = a ] || sed -i s/hi/bye/ project/src/main/java/x/App.java; m compile jib:buildTar -Djib.from.image=scratch -Djib.to.image=x/app`,
  },
];
