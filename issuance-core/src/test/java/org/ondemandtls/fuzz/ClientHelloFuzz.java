package org.ondemandtls.fuzz;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.ondemandtls.name.ClientHello;
import org.ondemandtls.name.ClientHelloParser;
import org.ondemandtls.name.ClientHelloParser.Progress;
import org.ondemandtls.name.RequestedName;
import org.ondemandtls.name.ServerName;

/** A connection's first octets, whole and one by one: the parser says the same of both, and never throws. */
public final class ClientHelloFuzz {

    private ClientHelloFuzz() {}

    /** Called by Jazzer. */
    public static void fuzzerTestOneInput(byte[] octets) {
        ClientHelloParser whole = new ClientHelloParser();
        Progress atOnce = whole.feed(ByteBuffer.wrap(octets));
        ClientHelloParser pieces = new ClientHelloParser();
        Progress oneByOne = new Progress.Incomplete();
        for (int i = 0; i < octets.length && oneByOne instanceof Progress.Incomplete; i++) {
            oneByOne = pieces.feed(ByteBuffer.wrap(octets, i, 1));
        }
        Expect.that(atOnce.getClass() == oneByOne.getClass(), "segments change the outcome");
        if (atOnce instanceof Progress.Complete complete) {
            Expect.that(complete.equals(oneByOne), "segments change the message");
            byte[] joined = octets(whole);
            Expect.that(joined.length <= ClientHelloParser.MAX_MESSAGE + 5, "more than the bound was kept");
            Expect.that(Arrays.equals(joined, octets(pieces)), "segments change what goes on to the engine");
            // What goes on to the server's TLS engine has to mean the same.
            Progress again = new ClientHelloParser().feed(ByteBuffer.wrap(joined));
            Expect.that(complete.equals(again), "the joined record means something else");
            check(complete.hello());
        }
    }

    private static void check(ClientHello hello) {
        if (hello.requestedName() instanceof RequestedName.Named named) {
            String value = named.name().value();
            Expect.that(ServerName.parse(value).equals(named.name()), "a name that is not canonical");
        }
    }

    private static byte[] octets(ClientHelloParser parser) {
        ByteBuffer records = parser.records();
        byte[] octets = new byte[records.remaining()];
        records.get(octets);
        return octets;
    }
}
