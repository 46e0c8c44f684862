"""Words that carry no meaning of their own, by language: they are neither searched for nor found."""

_ENGLISH = """
a about above after again all also am an and any are as at be because been before being below between both but
by can could did do does doing don down during each few for from further had has have having he her here hers
him his how i if in into is it its itself just let me might more most my myself no nor not now of off on once
only or other our ours out over own please same she should so some such than that the their theirs them then
there these they this those through to too under until up us very was we were what when where which while who
whom why will with would you your yours yourself hi hello hey thanks thank ok okay tell know want need like get
got im ive id whats hows cant dont doesnt isnt wont wanna gonna there's it's i'm i've i'd what's how's can't
don't doesn't isn't won't didn't
"""
_OTHERS = {
    "da": """
        af al alle at de dem den der deres det dette dig din dine dit du eller en end er et for fra før ham han
        hans har havde hen her hun hvad hvem hver hvilken hvilket hvis hvor hvordan hvorfor hvornår i ikke jeg kan
        kun man med meget men mig min mine mit må ned noget nogle nu når og også om op os over på sin sit skal som
        så til ud under var ved vi vil være vores
    """,
    "de": """
        ab aber alle allem allen aller alles als also am an auch auf aus bei beim bin bis bist bitte da damit dann
        das dass dein deine deinem deinen deiner dem den denn der des dich die dies diese diesem diesen dieser
        dieses dir doch dort du durch ein eine einem einen einer eines er es etwa etwas euch euer eure für ganz
        gibt habe haben habt hat hatte hier ich ihm ihn ihnen ihr ihre ihrem ihren ihrer im in ins ist ja jede
        jedem jeden jeder jedes kann kannst kein keine keinem keinen keiner können könnte man mein meine meinem
        meinen meiner mich mir mit möchte muss müssen nach nicht noch nun nur ob oder ohne schon sehr sein seine
        seinem seinen seiner seit sich sie sind so soll sollte sowie über um und uns unser unsere unter vom von
        vor wann war warum was weil welche welchem welchen welcher welches wem wen wenn wer werde werden wie
        wieviel will wir wird wo wofür wollen womit wurde zu zum zur zwischen
    """,
    "es": """
        a al algo alguna alguno ante antes aquí así aún aunque cada como con cómo cual cuál cuales cuáles cuando
        cuándo cuanto cuánto cuánta cuántos de del desde donde dónde durante e el él ella ellas ellos en entre era
        eres es esa ese eso esta está están estar este esto estos estoy fue ha hace hacer han hasta hay he la las
        le les lo los más me mi mí mis mucho muy nada ni no nos nosotros nuestra nuestro o os otra otro para pero
        poco por porque puede puedo pueden que qué quien quién quiero se sea ser si sí sido sin sobre son soy su
        sus también tan tanto te tengo tiene tienen tienes todo todos tu tú tus un una unas uno unos usted ustedes
        y ya yo
    """,
    "fi": """
        ei eivät emme en enkä että he hän ja jo joka jos jotka kai kaikki kanssa ketkä kuin kuinka kuka kun kyllä
        me mihin mikä miksi milloin millainen minkä minun minulla minulle minä missä mistä miten mitkä mitä mutta
        myös ne nyt nämä olemme olen olet olette oli olivat ollut on ovat saako se sen siellä sille sinun sinä
        sitten sitä tai te teidän tuo tämä tämän tässä vai vain voi voiko voin
    """,
    "fr": """
        à afin ai aie ainsi alors après as au aussi autre aux avant avec avez avoir avons c car ce ceci cela celle
        celui ces cet cette ceux chaque chez comme comment d dans de depuis des dois donc dont du elle elles en
        encore entre es est et étaient était être eu fait faire faut il ils j je jusqu l la là le les leur leurs
        lors lui m ma mais me même mes mon n ne ni nos notre nous on ont ou où par pas peu peut peux plus pour
        pourquoi puis qu quand que quel quelle quelles quels qui quoi s sa sans se sera ses si son sont sous suis
        sur t ta te tes toi ton tous tout toute toutes très tu un une vers veux voir vos votre vous y combien
    """,
    "it": """
        a ad ai al alla alle allo anche ancora avere c che chi ci come con cosa così cui d da dai dal dalla dalle
        dei del della delle dello deve devo di dopo dove e è ed era essere fa fare fino fra gli ha hai hanno ho i
        il in io l la le lei li lo loro lui ma me mi mia mie miei mio molto ne negli nei nel nella nelle no noi
        non nostra nostro o ogni per perché però più poi posso può qual quale quali quando quanto quanta quanti
        quella quello questa queste questi questo qui sarà se sei senza si sia siamo sì sono sta su sua sue sui
        sul sulla suo tra tu tua tuo tutti tutto un una uno vi voglio voi vorrei
    """,
    "nl": """
        aan al alle als ben bij daar dan dat de den der deze die dit doe doen door dus een eens en er ga geen had
        heb hebben hebt heeft hem hen het hier hij hoe hoeveel hun ik in is ja je jij jou jouw jullie kan kunnen
        kunt maar me meer men met mij mijn moet moeten na naar niet niets nog nu of om omdat ons onze ook op over
        te tot uit uw u van veel voor waar waarom wanneer want waren was wat we wel welk welke werd wie wij wil
        willen word worden wordt zal ze zelf zich zij zijn zo zonder zou
    """,
    "no": """
        alle at av bare bli blir da de deg dem den denne der deres det dette di din dine ditt du eller en enn er
        et etter for fra før ha hadde han hans har her hos hun hva hvem hver hvilken hvilke hvis hvor hvordan
        hvorfor i ikke ingen jeg kan kun man med meg men mer min mine mitt må ned noe noen nå når og også om opp
        oss over på seg sin skal som så til um under ut var ved vi vil være vår
    """,
    "pl": """
        a aby ale albo bardzo bez bo by być był była było będzie chcę ci co czy czym dla do gdy gdzie go i ich ile
        im in inne inny ja jak jaka jaki jakie jako jego jej jest jestem jeśli już każdy kiedy kto która które
        którego który których ma mam masz mi mnie mogę może można mój my na nad nam nas nasz nie nich nim niż o od
        on ona one oni oraz po pod proszę przed przez przy są się ta tak także tam te tego tej ten też to ty tych
        tylko tym u w we wam was wasz więc wszystko z za ze że
    """,
    "pt": """
        a à ao aos aquela aquele aqui as às até cada com como da das de dela dele depois desde do dos e é ela elas
        ele eles em entre era és essa esse esta está estão estar este eu faço foi há isso isto já la lhe lo mais
        mas me mesmo meu meus minha minhas muito na não nas nem no nos nós nossa nosso num numa o onde os ou para
        pela pelas pelo pelos pode posso por porque qual quais quando quanto quantos que quem quero são se sem ser
        será seu seus sim só sob sobre somos sou sua suas também te tem têm tenho ter todo todos tu um uma umas
        uns você vocês
    """,
    "ru": """
        а без был была были было быть в вам вас ваш ваша ваши весь во вот все всех вы где да для до его ее её если
        есть еще ещё же за и из или им их к как какая какие какой когда кого которая которые который кто ли либо
        меня мне могу можно мой моя мы на над нам нас наш не него нет ни но ну о об от по под после почему при про
        с сколько со та так также там те тем то тоже только том у уже хочу чего чем что чтобы эта эти это этого
        этот я
    """,
    "sv": """
        alla allt att av bara blev bli blir de dem den denna deras dess det detta dig din dina ditt du där efter
        ej eller en er era ert ett från för ha hade han hans har hon hur här i icke in inte jag kan man med mellan
        men mer mig min mina mitt mycket måste ni nu när någon något några och om oss på sig sin sina sitt ska
        skall som så till under upp ut utan var vad varför varje vem vi vid vilka vilken vill vilket vår våra än
        är åt över
    """,
}

STOP_WORDS = {"en": frozenset(_ENGLISH.split())} | {name: frozenset(words.split()) for name, words in _OTHERS.items()}
