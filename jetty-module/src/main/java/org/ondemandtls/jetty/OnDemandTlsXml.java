package org.ondemandtls.jetty;

import java.nio.file.Path;
import java.util.Map;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.util.resource.Resource;
import org.eclipse.jetty.xml.ConfigurationProcessor;
import org.eclipse.jetty.xml.ConfigurationProcessorFactory;
import org.eclipse.jetty.xml.XmlConfiguration;
import org.eclipse.jetty.xml.XmlParser;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.StartException;
import org.ondemandtls.config.ConfigException;
import org.ondemandtls.config.ConfigReader;
import org.ondemandtls.config.OnDemandTlsConfig;

/**
 * Reads {@code etc/ondemand-tls.xml}, whose root element {@code <OnDemandTls/>} stands for: make this server obtain
 * certificates on demand, with every {@code onDemandTls.} property there is.
 *
 * <p>Jetty's own XML asks for properties by name, so that one misspelt would never be seen; this sees all of them, and
 * refuses those it does not know. Found by Jetty as a service.
 */
public final class OnDemandTlsXml implements ConfigurationProcessorFactory {

    private static final String ELEMENT = "OnDemandTls";

    @Override
    public @Nullable ConfigurationProcessor getConfigurationProcessor(@Nullable String dtd, String tag) {
        return ELEMENT.equals(tag) ? new Element() : null;
    }

    private static final class Element implements ConfigurationProcessor {

        private @Nullable XmlConfiguration configuration;

        @Override
        public void init(Resource resource, XmlParser.Node root, XmlConfiguration xml) {
            configuration = xml;
        }

        @Override
        public Object configure(@Nullable Object server) throws Exception {
            try {
                XmlConfiguration xml = configuration;
                if (xml == null || !(server instanceof Server jetty)) {
                    throw new StartException(
                            "<" + ELEMENT + "/> configures a Server: list it after Jetty's own jetty.xml");
                }
                JettyOnDemandTls.addTo(jetty, read(xml.getProperties()));
                return jetty;
            } catch (ConfigException e) {
                e.mistakes().forEach(StartFailure::report);
                throw e;
            } catch (StartException | IllegalStateException e) {
                StartFailure.report(e.getMessage());
                throw e;
            }
        }

        @Override
        public Object configure() throws Exception {
            XmlConfiguration xml = configuration;
            return configure(xml == null ? null : xml.getIdMap().get("Server"));
        }

        private static OnDemandTlsConfig read(Map<String, String> properties) throws ConfigException {
            Path base = Path.of(properties.getOrDefault("jetty.base", "")).toAbsolutePath();
            return ConfigReader.read(ConfigReader.withFallback(properties, System.getProperties()), base);
        }
    }
}
