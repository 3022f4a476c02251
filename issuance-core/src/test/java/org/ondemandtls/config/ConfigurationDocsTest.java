package org.ondemandtls.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.ondemandtls.testing.Tools;

/**
 * What is written about the keys is what {@link ConfigKey} says; {@code mvn -pl issuance-core test
 * -Dtest=ConfigurationDocsTest -Dondemandtls.writeDocs=true} writes it anew.
 */
class ConfigurationDocsTest {

    private static final String TABLE_BEGIN = "<!-- keys -->\n";
    private static final String TABLE_END = "<!-- /keys -->";
    private static final String TEMPLATE_BEGIN = "[ini-template]\n";

    @Test
    void theTableOfTheDocumentationIsRenderedFromTheKeys() throws IOException {
        Path docs = Tools.root().resolve("docs/CONFIGURATION.md");
        String text = Files.readString(docs);
        int begin = text.indexOf(TABLE_BEGIN) + TABLE_BEGIN.length();
        int end = text.indexOf(TABLE_END);
        assertThat(begin).isBetween(TABLE_BEGIN.length(), end);

        String expected = text.substring(0, begin) + ConfigurationTable.markdown() + text.substring(end);

        checkOrWrite(docs, text, expected);
    }

    @Test
    void theTemplateOfTheJettyModuleIsRenderedFromTheKeys() throws IOException {
        Path module = Tools.root().resolve("etc/jetty/modules/ondemand-tls.mod");
        String text = Files.readString(module);
        int begin = text.indexOf(TEMPLATE_BEGIN);
        assertThat(begin).isPositive();

        String expected = text.substring(0, begin) + TEMPLATE_BEGIN + ConfigurationTable.iniTemplate();

        checkOrWrite(module, text, expected);
    }

    private static void checkOrWrite(Path file, String text, String expected) throws IOException {
        if (Boolean.getBoolean("ondemandtls.writeDocs")) {
            Files.writeString(file, expected);
        } else {
            assertThat(text).isEqualTo(expected);
        }
    }
}
