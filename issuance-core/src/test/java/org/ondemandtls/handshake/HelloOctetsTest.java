package org.ondemandtls.handshake;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.UnknownHostException;
import org.junit.jupiter.api.Test;
import org.ondemandtls.name.ClientBlock;

class HelloOctetsTest {

    private final HelloOctets octets = new HelloOctets(1600, 0);

    @Test
    void oneClientBlockHoldsItsShareAndNotOneOctetMore() throws Exception {
        assertThat(octets.take(block(1), 99, 99)).isTrue();
        assertThat(octets.take(block(1), 2, 2)).isFalse();
        assertThat(octets.take(block(1), 1, 1)).isTrue();
        assertThat(octets.take(block(1), 1, 1)).isFalse();
        assertThat(octets.take(block(2), 100, 100)).isTrue();
        assertThat(octets.held()).isEqualTo(200);
    }

    @Test
    void whatIsGivenBackMayBeTakenAgain() throws Exception {
        assertThat(octets.take(block(1), 100, 100)).isTrue();

        octets.give(block(1), 100);

        assertThat(octets.held()).isZero();
        assertThat(octets.take(block(1), 100, 100)).isTrue();
    }

    @Test
    void allTogetherHoldNoMoreThanThereIsAndALocalOneHasNoShareOfItsOwn() throws Exception {
        assertThat(octets.take(ClientBlock.LOCAL, 1500, 1500)).isTrue();
        assertThat(octets.take(block(1), 100, 100)).isTrue();

        assertThat(octets.take(block(2), 1, 1)).isFalse();
        assertThat(octets.take(ClientBlock.LOCAL, 1, 1)).isFalse();
        assertThat(octets.held()).isEqualTo(1600);
    }

    @Test
    void largeOnesLeaveHalfOfTheRoomToSmallOnes() throws Exception {
        int large = HelloOctets.SMALL + 1;
        assertThat(octets.take(ClientBlock.LOCAL, 800, large)).isTrue();

        assertThat(octets.take(block(1), 1, large)).isFalse();
        assertThat(octets.take(block(1), 100, 100)).isTrue();
    }

    @Test
    void oneOfTheLargestFindsRoomHoweverLittleThereIsAndASecondOneOfTheSameClientDoesNot() throws Exception {
        int largest = HelloReading.MOST_HELD;
        HelloOctets few = new HelloOctets(65_536, largest);

        assertThat(few.take(block(1), largest, largest)).isTrue();

        assertThat(few.take(block(1), 1, 1)).isFalse();
        assertThat(few.take(block(2), HelloOctets.SMALL + 1, HelloOctets.SMALL + 1))
                .isFalse();
        assertThat(few.take(block(2), HelloOctets.SMALL, HelloOctets.SMALL)).isTrue();
    }

    private static ClientBlock block(int number) throws UnknownHostException {
        return ClientBlock.of(InetAddress.getByAddress(new byte[] {(byte) 192, 0, (byte) number, 1}));
    }
}
